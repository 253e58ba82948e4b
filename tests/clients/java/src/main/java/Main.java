// The Java SDK v2 as people use it against a running cluster: the low-level client with waiters and paginators here, the enhanced client with a
// bean, a global index, versions and batches in Enhanced.java. Usage: java -cp ... Main ENDPOINT
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeDefinition;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.GetItemResponse;
import software.amazon.awssdk.services.dynamodb.model.KeySchemaElement;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.PutRequest;
import software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException;
import software.amazon.awssdk.services.dynamodb.model.ReturnConsumedCapacity;
import software.amazon.awssdk.services.dynamodb.model.ReturnValue;
import software.amazon.awssdk.services.dynamodb.model.ReturnValuesOnConditionCheckFailure;
import software.amazon.awssdk.services.dynamodb.model.ScalarAttributeType;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;

public class Main {
    static final String TABLE = "java-albums";
    final DynamoDbClient db;

    Main(DynamoDbClient db) {
        this.db = db;
    }

    public static void main(String[] args) {
        try (DynamoDbClient db = DynamoDbClient.builder().endpointOverride(URI.create(args[0])).build()) {
            Main client = new Main(db);
            client.create();
            client.putAndGet();
            client.condition();
            client.update();
            client.batchAndPages();
            client.drop();
            new Enhanced(db).all();
        }
        System.out.println("all good");
    }

    static void require(boolean holds, String what, Object... seen) {
        if (!holds) {
            throw new IllegalStateException(String.format(what, seen));
        }
    }

    static AttributeValue text(String s) {
        return AttributeValue.fromS(s);
    }

    static AttributeValue number(long n) {
        return AttributeValue.fromN(Long.toString(n));
    }

    static void waitUntilThere(DynamoDbClient db, String table) {
        db.waiter().waitUntilTableExists(r -> r.tableName(table),
            o -> o.backoffStrategyV2(retry -> Duration.ofMillis(200)).waitTimeout(Duration.ofSeconds(30)));
    }

    static void waitUntilGone(DynamoDbClient db, String table) {
        db.waiter().waitUntilTableNotExists(r -> r.tableName(table),
            o -> o.backoffStrategyV2(retry -> Duration.ofMillis(200)).waitTimeout(Duration.ofSeconds(30)));
    }

    void create() {
        db.createTable(r -> r.tableName(TABLE).billingMode(BillingMode.PAY_PER_REQUEST)
            .attributeDefinitions(
                AttributeDefinition.builder().attributeName("artist").attributeType(ScalarAttributeType.S).build(),
                AttributeDefinition.builder().attributeName("year").attributeType(ScalarAttributeType.N).build())
            .keySchema(
                KeySchemaElement.builder().attributeName("artist").keyType(KeyType.HASH).build(),
                KeySchemaElement.builder().attributeName("year").keyType(KeyType.RANGE).build()));
        waitUntilThere(db, TABLE);
        require(db.listTablesPaginator(r -> r.limit(1)).tableNames().stream().anyMatch(TABLE::equals), "the table is not listed");
    }

    Map<String, AttributeValue> key(String artist, long year) {
        return Map.of("artist", text(artist), "year", number(year));
    }

    void putAndGet() {
        Map<String, AttributeValue> item = new HashMap<>(key("Bach", 1721));
        item.put("tags", AttributeValue.fromSs(List.of("baroque", "concerto")));
        item.put("notes", AttributeValue.fromM(Map.of("key", text("F"), "parts", AttributeValue.fromL(List.of(number(1), AttributeValue.fromNul(true))))));
        item.put("cover", AttributeValue.fromB(SdkBytes.fromByteArray(new byte[] {0, 1, (byte) 255})));
        db.putItem(r -> r.tableName(TABLE).item(item));
        GetItemResponse got = db.getItem(r -> r.tableName(TABLE).key(key("Bach", 1721)).consistentRead(true)
            .returnConsumedCapacity(ReturnConsumedCapacity.TOTAL));
        require(got.item().equals(item), "read %s", got.item());
        require(got.consumedCapacity().capacityUnits() == 1.0, "capacity %s", got.consumedCapacity());
        require(!db.getItem(r -> r.tableName(TABLE).key(key("Bach", 1))).hasItem(), "an item that is not there was read");
    }

    void condition() {
        try {
            db.putItem(r -> r.tableName(TABLE).item(key("Bach", 1721)).conditionExpression("attribute_not_exists(artist)")
                .returnValuesOnConditionCheckFailure(ReturnValuesOnConditionCheckFailure.ALL_OLD));
            require(false, "a false condition wrote");
        } catch (ConditionalCheckFailedException e) {
            require(e.item().containsKey("notes"), "the error came without the item: %s", e);
            require(e.statusCode() == 400 && e.requestId() != null, "%s", e);
        }
        try {
            db.getItem(r -> r.tableName("java-none").key(key("Bach", 1721)));
            require(false, "a table that is not there was read");
        } catch (ResourceNotFoundException e) {
            require(e.awsErrorDetails().errorMessage().contains("not found"), "%s", e);
        }
    }

    void update() {
        Map<String, AttributeValue> after = db.updateItem(r -> r.tableName(TABLE).key(key("Bach", 1721))
            .updateExpression("SET plays = if_not_exists(plays, :none) + :n, notes.#k = :k REMOVE cover DELETE tags :gone")
            .expressionAttributeNames(Map.of("#k", "key"))
            .expressionAttributeValues(Map.of(":none", number(0), ":n", number(3), ":k", text("G"), ":gone", AttributeValue.fromSs(List.of("concerto"))))
            .returnValues(ReturnValue.ALL_NEW)).attributes();
        require(after.get("plays").n().equals("3") && after.get("notes").m().get("key").s().equals("G"), "updated to %s", after);
        require(after.get("tags").ss().equals(List.of("baroque")) && !after.containsKey("cover"), "updated to %s", after);
    }

    void batchAndPages() {
        List<WriteRequest> writes = new ArrayList<>();
        for (long year = 1800; year < 1825; year++) {
            Map<String, AttributeValue> item = key("Beethoven", year);
            writes.add(WriteRequest.builder().putRequest(PutRequest.builder().item(item).build()).build());
        }
        require(!db.batchWriteItem(r -> r.requestItems(Map.of(TABLE, writes))).hasUnprocessedItems()
            || db.batchWriteItem(r -> r.requestItems(Map.of(TABLE, writes))).unprocessedItems().isEmpty(), "writes were left over");
        var pages = db.queryPaginator(r -> r.tableName(TABLE).limit(3).consistentRead(true).keyConditionExpression("artist = :a AND #y BETWEEN :from AND :to")
            .expressionAttributeNames(Map.of("#y", "year"))
            .expressionAttributeValues(Map.of(":a", text("Beethoven"), ":from", number(1805), ":to", number(1814))));
        List<String> years = pages.items().stream().map(i -> i.get("year").n()).collect(Collectors.toList());
        require(years.equals(IntStream.range(1805, 1815).mapToObj(Integer::toString).collect(Collectors.toList())), "queried %s", years);
        require(pages.stream().count() == 4, "ten items with a limit of three came in %d pages", pages.stream().count());
        require(db.scanPaginator(r -> r.tableName(TABLE).limit(7).consistentRead(true)).items().stream().count() == 26, "the scan has not 26 items");
    }

    void drop() {
        db.deleteTable(r -> r.tableName(TABLE));
        waitUntilGone(db, TABLE);
    }
}
