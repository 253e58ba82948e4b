/* A replication message with a right checksum but any content: what is accepted goes out again as
 * it came. */
#include "base/assert.h"
#include "engine/store/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct store_wire_in *in, const Tercet__Pb__PaxosMessage *pb) {
    static struct store_wire_out out;
    static struct store_wire_in again;
    struct store_wire_ends ends = {
        .gid = pb->gid, .from_store = pb->from_store.data, .to_store = pb->to_store.data};
    store__wire_out_init(&out, &ends, &in->msg);
    TC_ASSERT(store__wire_in_init(&again, &out.pb) == TC_OK);
    TC_ASSERT(again.msg.entry_count == in->msg.entry_count);
    TC_ASSERT(again.msg.ballot == in->msg.ballot && again.msg.mark.chain == in->msg.mark.chain);
    store__wire_in_deinit(&again);
    store__wire_out_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct store_wire_in in;
    Tercet__Pb__PaxosMessage *pb = tercet__pb__paxos_message__unpack(NULL, size, data);
    if (pb == NULL)
        return 0;
    pb->crc = store__wire_crc(pb);
    if (store__wire_in_init(&in, pb) == TC_OK) {
        round_trip(&in, pb);
        store__wire_in_deinit(&in);
    }
    tercet__pb__paxos_message__free_unpacked(pb, NULL);
    return 0;
}
