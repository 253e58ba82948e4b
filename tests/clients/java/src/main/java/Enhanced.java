import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import software.amazon.awssdk.enhanced.dynamodb.DynamoDbEnhancedClient;
import software.amazon.awssdk.enhanced.dynamodb.DynamoDbTable;
import software.amazon.awssdk.enhanced.dynamodb.Expression;
import software.amazon.awssdk.enhanced.dynamodb.Key;
import software.amazon.awssdk.enhanced.dynamodb.TableSchema;
import software.amazon.awssdk.enhanced.dynamodb.model.BatchGetItemEnhancedRequest;
import software.amazon.awssdk.enhanced.dynamodb.model.BatchWriteItemEnhancedRequest;
import software.amazon.awssdk.enhanced.dynamodb.model.EnhancedGlobalSecondaryIndex;
import software.amazon.awssdk.enhanced.dynamodb.model.QueryConditional;
import software.amazon.awssdk.enhanced.dynamodb.model.QueryEnhancedRequest;
import software.amazon.awssdk.enhanced.dynamodb.model.ReadBatch;
import software.amazon.awssdk.enhanced.dynamodb.model.WriteBatch;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.ProjectionType;

/** The enhanced client: the table and its index come from the bean's annotations. */
class Enhanced {
    final DynamoDbClient db;
    final DynamoDbEnhancedClient client;
    final DynamoDbTable<Order> table;

    Enhanced(DynamoDbClient db) {
        this.db = db;
        this.client = DynamoDbEnhancedClient.builder().dynamoDbClient(db).build();
        this.table = client.table("java-orders", TableSchema.fromBean(Order.class));
    }

    void all() {
        table.createTable(r -> r.globalSecondaryIndices(EnhancedGlobalSecondaryIndex.builder().indexName("by-state")
            .projection(p -> p.projectionType(ProjectionType.ALL)).build()));
        Main.waitUntilThere(db, table.tableName());
        Main.require(table.describeTable().table().globalSecondaryIndexes().get(0).indexName().equals("by-state"), "%s", table.describeTable());
        versions();
        batches();
        index();
        table.deleteTable();
        Main.waitUntilGone(db, table.tableName());
    }

    /** A bean with a version is written only over the version that was read. */
    void versions() {
        Order order = new Order("ann", 1, "open", List.of("a", "b"));
        table.putItem(order);
        Order read = table.getItem(r -> r.key(Key.builder().partitionValue("ann").sortValue(1).build()).consistentRead(true));
        Main.require(read.getVersion() == 1 && read.getLines().equals(List.of("a", "b")), "read %s", read.getVersion());
        read.setState("paid");
        Main.require(table.updateItem(read).getVersion() == 2, "the version did not rise");
        try {
            table.updateItem(read); // the version read first, once more
            Main.require(false, "an old version was written");
        } catch (ConditionalCheckFailedException e) {
            Main.require(e.statusCode() == 400, "%s", e);
        }
    }

    /** Batches know no conditions, and so no versions: a client without that extension writes them. */
    void batches() {
        DynamoDbEnhancedClient plain = DynamoDbEnhancedClient.builder().dynamoDbClient(db).extensions(List.of()).build();
        DynamoDbTable<Order> table = plain.table(this.table.tableName(), this.table.tableSchema());
        WriteBatch.Builder<Order> batch = WriteBatch.builder(Order.class).mappedTableResource(table);
        for (int n = 2; n <= 21; n++) {
            batch.addPutItem(new Order("bob", n, n % 2 == 0 ? "open" : "paid", List.of("line " + n)));
        }
        var result = plain.batchWriteItem(BatchWriteItemEnhancedRequest.builder().writeBatches(batch.build()).build());
        Main.require(result.unprocessedPutItemsForTable(table).isEmpty(), "writes were left over");
        ReadBatch.Builder<Order> read = ReadBatch.builder(Order.class).mappedTableResource(table);
        for (int n = 2; n <= 41; n++) {
            Key key = Key.builder().partitionValue("bob").sortValue(n).build();
            read.addGetItem(r -> r.key(key).consistentRead(true));
        }
        long found = plain.batchGetItem(BatchGetItemEnhancedRequest.builder().readBatches(read.build()).build()).resultsForTable(table).stream().count();
        Main.require(found == 20, "%d of 20 were found", found);
    }

    /** Rows reach an index a moment after the item: asked until they are all there. */
    void index() {
        List<Integer> want = IntStream.rangeClosed(5, 20).filter(n -> n % 2 == 0).boxed().collect(Collectors.toList());
        List<Integer> got = List.of();
        for (int tries = 0; tries < 100 && !got.equals(want); tries++) {
            got = table.index("by-state").query(QueryEnhancedRequest.builder().limit(4)
                .queryConditional(QueryConditional.sortBetween(Key.builder().partitionValue("open").sortValue(5).build(),
                    Key.builder().partitionValue("open").sortValue(20).build()))
                .filterExpression(Expression.builder().expression("customer = :c").putExpressionValue(":c", Main.text("bob")).build()).build())
                .stream().flatMap(p -> p.items().stream()).map(Order::getNumber).collect(Collectors.toList());
            pause();
        }
        Main.require(got.equals(want), "the index has %s", got);
    }

    static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(50);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
