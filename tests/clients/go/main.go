// The Go SDK as people use it: typed structs, the expression builder, paginators and waiters against a running cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const table = "go-albums"

type album struct {
	Artist string            `dynamodbav:"artist"`
	Year   int               `dynamodbav:"year"`
	Title  string            `dynamodbav:"title"`
	Tags   []string          `dynamodbav:"tags,stringset,omitempty"`
	Notes  map[string]string `dynamodbav:"notes,omitempty"`
}

type client struct {
	db  *dynamodb.Client
	ctx context.Context
}

func check(err error, what string) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}

func require(holds bool, format string, args ...any) {
	if !holds {
		log.Fatalf(format, args...)
	}
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	cfg, err := config.LoadDefaultConfig(ctx)
	check(err, "configuration")
	db := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.BaseEndpoint = aws.String(os.Args[1]) })
	c := client{db, ctx}
	c.create()
	c.putAndGet()
	c.condition()
	c.update()
	c.batchAndPages()
	c.drop()
	fmt.Println("all good")
}

func (c client) create() {
	_, err := c.db.CreateTable(c.ctx, &dynamodb.CreateTableInput{
		TableName:   aws.String(table),
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("artist"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("year"), AttributeType: types.ScalarAttributeTypeN}},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("artist"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("year"), KeyType: types.KeyTypeRange}}})
	check(err, "CreateTable")
	waiter := dynamodb.NewTableExistsWaiter(c.db, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay, o.MaxDelay = time.Second, time.Second })
	check(waiter.Wait(c.ctx, &dynamodb.DescribeTableInput{TableName: aws.String(table)}, 30*time.Second), "waiter")
}

func key(artist string, year int) map[string]types.AttributeValue {
	k, err := attributevalue.MarshalMap(struct {
		Artist string `dynamodbav:"artist"`
		Year   int    `dynamodbav:"year"`
	}{artist, year})
	check(err, "key")
	return k
}

func (c client) putAndGet() {
	want := album{"Bach", 1721, "Brandenburg", []string{"baroque", "concerto"}, map[string]string{"key": "F"}}
	item, err := attributevalue.MarshalMap(want)
	check(err, "marshal")
	_, err = c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: aws.String(table), Item: item})
	check(err, "PutItem")
	out, err := c.db.GetItem(c.ctx, &dynamodb.GetItemInput{TableName: aws.String(table), Key: key("Bach", 1721), ConsistentRead: aws.Bool(true)})
	check(err, "GetItem")
	var got album
	check(attributevalue.UnmarshalMap(out.Item, &got), "unmarshal")
	require(got.Title == want.Title && len(got.Tags) == 2 && got.Notes["key"] == "F", "read %+v", got)
}

func (c client) condition() {
	expr, err := expression.NewBuilder().WithCondition(expression.AttributeNotExists(expression.Name("artist"))).Build()
	check(err, "expression")
	_, err = c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: aws.String(table), Item: key("Bach", 1721), ConditionExpression: expr.Condition(),
		ExpressionAttributeNames: expr.Names(), ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld})
	var failed *types.ConditionalCheckFailedException
	require(errors.As(err, &failed), "a false condition gave %v", err)
	require(failed.Item["title"] != nil, "the error came without the item")
	_, err = c.db.GetItem(c.ctx, &dynamodb.GetItemInput{TableName: aws.String("go-none"), Key: key("Bach", 1721)})
	var none *types.ResourceNotFoundException
	require(errors.As(err, &none), "a table that is not there gave %v", err)
}

func (c client) update() {
	expr, err := expression.NewBuilder().WithUpdate(expression.Set(expression.Name("plays"),
		expression.Plus(expression.IfNotExists(expression.Name("plays"), expression.Value(0)), expression.Value(3))).
		Remove(expression.Name("notes"))).Build()
	check(err, "expression")
	out, err := c.db.UpdateItem(c.ctx, &dynamodb.UpdateItemInput{TableName: aws.String(table), Key: key("Bach", 1721), UpdateExpression: expr.Update(),
		ExpressionAttributeNames: expr.Names(), ExpressionAttributeValues: expr.Values(), ReturnValues: types.ReturnValueUpdatedNew})
	check(err, "UpdateItem")
	require(out.Attributes["plays"].(*types.AttributeValueMemberN).Value == "3", "updated to %v", out.Attributes)
}

func (c client) batchAndPages() {
	var writes []types.WriteRequest
	for year := 1800; year < 1825; year++ {
		item, err := attributevalue.MarshalMap(album{Artist: "Beethoven", Year: year, Title: fmt.Sprint("Opus ", year)})
		check(err, "marshal")
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
	}
	out, err := c.db.BatchWriteItem(c.ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: writes}})
	check(err, "BatchWriteItem")
	require(len(out.UnprocessedItems) == 0, "left over: %v", out.UnprocessedItems)
	expr, err := expression.NewBuilder().WithKeyCondition(expression.Key("artist").Equal(expression.Value("Beethoven")).
		And(expression.Key("year").Between(expression.Value(1805), expression.Value(1814)))).Build()
	check(err, "expression")
	pages := dynamodb.NewQueryPaginator(c.db, &dynamodb.QueryInput{TableName: aws.String(table), KeyConditionExpression: expr.KeyCondition(),
		ExpressionAttributeNames: expr.Names(), ExpressionAttributeValues: expr.Values(), Limit: aws.Int32(3), ConsistentRead: aws.Bool(true)})
	var albums []album
	count := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.ctx)
		check(err, "Query")
		var some []album
		check(attributevalue.UnmarshalListOfMaps(page.Items, &some), "unmarshal")
		albums = append(albums, some...)
		count++
	}
	require(len(albums) == 10 && albums[0].Year == 1805 && albums[9].Year == 1814 && count == 4, "%d albums in %d pages", len(albums), count)
}

func (c client) drop() {
	_, err := c.db.DeleteTable(c.ctx, &dynamodb.DeleteTableInput{TableName: aws.String(table)})
	check(err, "DeleteTable")
	waiter := dynamodb.NewTableNotExistsWaiter(c.db, func(o *dynamodb.TableNotExistsWaiterOptions) { o.MinDelay, o.MaxDelay = time.Second, time.Second })
	check(waiter.Wait(c.ctx, &dynamodb.DescribeTableInput{TableName: aws.String(table)}, 30*time.Second), "waiter")
}
