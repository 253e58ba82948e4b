/* Parameters of TransactGetItems and TransactWriteItems. */
#include "router/api/api_shapes_private.h"

#define ACTION_ROWS                                                                                \
    TABLE_ROW(api_write_item, API_REQUIRED), NAMES_ROW(api_write_item),                            \
        VALUES_ROW(api_write_item),                                                                \
        ENUM_ROW("ReturnValuesOnConditionCheckFailure", api_write_item, return_on_condition_fail,  \
                 "NONE, ALL_OLD")
#define CONDITION_ROW(flags)                                                                       \
    {                                                                                              \
        "ConditionExpression", API_KIND_STRING, flags, AT(api_write_item, condition_expression),   \
            NULL, NULL, 0, 0                                                                       \
    }

static const struct api_field put_rows[] = {
    ACTION_ROWS,
    CONDITION_ROW(0),
    {"Item", API_KIND_ITEM, API_REQUIRED, AT(api_write_item, item), NULL, NULL, 0, 0},
};
LOCAL_SHAPE(put_shape, put_rows, api_write_item, "Put");

static const struct api_field delete_rows[] = {
    ACTION_ROWS,
    CONDITION_ROW(0),
    KEY_ROW(api_write_item),
};
LOCAL_SHAPE(delete_shape, delete_rows, api_write_item, "Delete");

static const struct api_field update_rows[] = {
    ACTION_ROWS,
    CONDITION_ROW(0),
    KEY_ROW(api_write_item),
    {"UpdateExpression", API_KIND_STRING, API_REQUIRED, AT(api_write_item, update_expression), NULL,
     NULL, 0, 0},
};
LOCAL_SHAPE(update_shape, update_rows, api_write_item, "Update");

static const struct api_field check_rows[] = {
    ACTION_ROWS,
    CONDITION_ROW(API_REQUIRED),
    KEY_ROW(api_write_item),
};
LOCAL_SHAPE(check_shape, check_rows, api_write_item, "ConditionCheck");

static const struct api_field write_rows[] = {
    STRUCT_ROW("ConditionCheck", api_transact_action, check, &check_shape),
    STRUCT_ROW("Put", api_transact_action, put, &put_shape),
    STRUCT_ROW("Delete", api_transact_action, del, &delete_shape),
    STRUCT_ROW("Update", api_transact_action, update, &update_shape),
};
LOCAL_SHAPE(write_shape, write_rows, api_transact_action, "TransactWriteItem");

static const struct api_field get_rows[] = {
    TABLE_ROW(api_get_item, API_REQUIRED),
    KEY_ROW(api_get_item),
    STRING_ROW("ProjectionExpression", api_get_item, projection_expression),
    NAMES_ROW(api_get_item),
};
LOCAL_SHAPE(get_shape, get_rows, api_get_item, "Get");

static const struct api_field read_rows[] = {
    {"Get", API_KIND_STRUCT, API_REQUIRED, AT(api_transact_action, get), &get_shape, NULL, 0, 0},
};
LOCAL_SHAPE(read_shape, read_rows, api_transact_action, "TransactGetItem");

static const struct api_field transact_get_rows[] = {
    {"TransactItems", API_KIND_STRUCT_LIST, API_REQUIRED, AT(api_transact, actions), &read_shape,
     NULL, 1, API_TRANSACT_MAX},
    CAPACITY_ROW(api_transact),
};
SHAPE(api_shape_transact_get, transact_get_rows, api_transact);

static const struct api_field transact_write_rows[] = {
    {"TransactItems", API_KIND_STRUCT_LIST, API_REQUIRED, AT(api_transact, actions), &write_shape,
     NULL, 1, API_TRANSACT_MAX},
    CAPACITY_ROW(api_transact),
    METRICS_ROW(api_transact),
    {"ClientRequestToken", API_KIND_STRING, 0, AT(api_transact, token), NULL, NULL, 1, 36},
};
SHAPE(api_shape_transact_write, transact_write_rows, api_transact);
