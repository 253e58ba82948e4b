/* Every exception a client can see: its name, the namespace the SDKs expect, its HTTP status. The
 * only such table in Tercet. */
#ifndef TC_ROUTER_API_ERROR_H
#define TC_ROUTER_API_ERROR_H

#include "base/buf.h"

/* X(constant, namespace, name, HTTP status, name of the message member) */
#define API_ERRORS(X)                                                                              \
    X(API_BACKUP_IN_USE, DDB, "BackupInUseException", 400, "message")                              \
    X(API_BACKUP_NOT_FOUND, DDB, "BackupNotFoundException", 400, "message")                        \
    X(API_CONDITIONAL_CHECK_FAILED, DDB, "ConditionalCheckFailedException", 400, "message")        \
    X(API_CONTINUOUS_BACKUPS_UNAVAILABLE, DDB, "ContinuousBackupsUnavailableException", 400,       \
      "message")                                                                                   \
    X(API_DUPLICATE_ITEM, DDB, "DuplicateItemException", 400, "message")                           \
    X(API_EXPIRED_ITERATOR, DDB, "ExpiredIteratorException", 400, "message")                       \
    X(API_EXPORT_CONFLICT, DDB, "ExportConflictException", 400, "message")                         \
    X(API_EXPORT_NOT_FOUND, DDB, "ExportNotFoundException", 400, "message")                        \
    X(API_GLOBAL_TABLE_ALREADY_EXISTS, DDB, "GlobalTableAlreadyExistsException", 400, "message")   \
    X(API_GLOBAL_TABLE_NOT_FOUND, DDB, "GlobalTableNotFoundException", 400, "message")             \
    X(API_IDEMPOTENT_PARAMETER_MISMATCH, DDB, "IdempotentParameterMismatchException", 400,         \
      "Message")                                                                                   \
    X(API_IMPORT_CONFLICT, DDB, "ImportConflictException", 400, "message")                         \
    X(API_IMPORT_NOT_FOUND, DDB, "ImportNotFoundException", 400, "message")                        \
    X(API_INDEX_NOT_FOUND, DDB, "IndexNotFoundException", 400, "message")                          \
    X(API_INTERNAL_SERVER_ERROR, DDB, "InternalServerError", 500, "message")                       \
    X(API_INVALID_EXPORT_TIME, DDB, "InvalidExportTimeException", 400, "message")                  \
    X(API_INVALID_RESTORE_TIME, DDB, "InvalidRestoreTimeException", 400, "message")                \
    X(API_ITEM_COLLECTION_SIZE_LIMIT, DDB, "ItemCollectionSizeLimitExceededException", 400,        \
      "message")                                                                                   \
    X(API_LIMIT_EXCEEDED, DDB, "LimitExceededException", 400, "message")                           \
    X(API_POINT_IN_TIME_UNAVAILABLE, DDB, "PointInTimeRecoveryUnavailableException", 400,          \
      "message")                                                                                   \
    X(API_POLICY_NOT_FOUND, DDB, "PolicyNotFoundException", 400, "message")                        \
    X(API_PROVISIONED_THROUGHPUT_EXCEEDED, DDB, "ProvisionedThroughputExceededException", 400,     \
      "message")                                                                                   \
    X(API_REPLICA_ALREADY_EXISTS, DDB, "ReplicaAlreadyExistsException", 400, "message")            \
    X(API_REPLICA_NOT_FOUND, DDB, "ReplicaNotFoundException", 400, "message")                      \
    X(API_REPLICATED_WRITE_CONFLICT, DDB, "ReplicatedWriteConflictException", 400, "message")      \
    X(API_REQUEST_LIMIT_EXCEEDED, DDB, "RequestLimitExceeded", 400, "message")                     \
    X(API_RESOURCE_IN_USE, DDB, "ResourceInUseException", 400, "message")                          \
    X(API_RESOURCE_NOT_FOUND, DDB, "ResourceNotFoundException", 400, "message")                    \
    X(API_TABLE_ALREADY_EXISTS, DDB, "TableAlreadyExistsException", 400, "message")                \
    X(API_TABLE_IN_USE, DDB, "TableInUseException", 400, "message")                                \
    X(API_TABLE_NOT_FOUND, DDB, "TableNotFoundException", 400, "message")                          \
    X(API_TRANSACTION_CANCELED, DDB, "TransactionCanceledException", 400, "Message")               \
    X(API_TRANSACTION_CONFLICT, DDB, "TransactionConflictException", 400, "message")               \
    X(API_TRANSACTION_IN_PROGRESS, DDB, "TransactionInProgressException", 400, "Message")          \
    X(API_TRIMMED_DATA_ACCESS, DDB, "TrimmedDataAccessException", 400, "message")                  \
    X(API_VALIDATION, VALIDATE, "ValidationException", 400, "message")                             \
    X(API_THROTTLING, AVAILABILITY, "ThrottlingException", 400, "message")                         \
    X(API_ACCESS_DENIED, SERVICE, "AccessDeniedException", 400, "Message")                         \
    X(API_INCOMPLETE_SIGNATURE, SERVICE, "IncompleteSignatureException", 400, "message")           \
    X(API_INVALID_SIGNATURE, SERVICE, "InvalidSignatureException", 400, "message")                 \
    X(API_MISSING_AUTHENTICATION_TOKEN, SERVICE, "MissingAuthenticationTokenException", 400,       \
      "message")                                                                                   \
    X(API_REQUEST_ENTITY_TOO_LARGE, SERVICE, "RequestEntityTooLargeException", 413, "message")     \
    X(API_REQUEST_TIMEOUT, SERVICE, "RequestTimeoutException", 408, "message")                     \
    X(API_SERIALIZATION, SERVICE, "SerializationException", 400, "Message")                        \
    X(API_SERVICE_UNAVAILABLE, SERVICE, "ServiceUnavailableException", 503, "message")             \
    X(API_UNKNOWN_OPERATION, SERVICE, "UnknownOperationException", 400, "message")                 \
    X(API_UNRECOGNIZED_CLIENT, SERVICE, "UnrecognizedClientException", 400, "message")

enum api_error {
    API_OK = 0,
#define X(constant, space, name, status, member) constant,
    API_ERRORS(X)
#undef X
    API_ERROR_COUNT,
};

/* "ResourceNotFoundException" */
const char *api_error_name(enum api_error error);
unsigned api_error_status(enum api_error error);
/* The longest part of text that ends at a whole UTF-8 character: for texts cut by a buffer. */
struct tc_slice api_error_clip(struct tc_slice text);
/* Append {"__type":"namespace#name","message":text}, without the text if it is empty; further
 * members, if any, are whole JSON text that begins with a comma. */
void api_error_write(struct tc_buf *out, enum api_error error, struct tc_slice text,
                     struct tc_slice more_members);

#endif
