/* Small JSON steps shared by the response writers. */
#ifndef TC_ROUTER_API_WRITE_PRIVATE_H
#define TC_ROUTER_API_WRITE_PRIVATE_H

#include "core/json/json_item.h"
#include "router/api/api_write.h"

/* A comma unless this is the first member or element. */
void api__comma(struct tc_buf *out);
void api__member(struct tc_buf *out, const char *name);
void api__key(struct tc_buf *out, struct tc_slice name);
void api__member_string(struct tc_buf *out, const char *name, struct tc_slice value);
void api__member_u64(struct tc_buf *out, const char *name, uint64_t value);
void api__member_item(struct tc_buf *out, const char *name, struct tc_slice item);
/* Unix seconds with three decimals, as the API renders times. */
void api__member_time(struct tc_buf *out, const char *name, uint64_t unix_ms);
/* The ConsumedCapacity member of a single-table operation. */
void api__member_consumed(struct tc_buf *out, struct api_consumed consumed);
void api__consumed(struct tc_buf *out, struct api_consumed consumed);
void api__collection(struct tc_buf *out, struct api_collection collection);

/* The indexes of one sort; the member is left out when there is none. */
void api__member_indexes(struct tc_buf *out, const char *member,
                         const struct api_table_description *t, bool global);
struct tc_slice api__table_status(enum api_table_status status);

#endif
