/* shell_board: the last results of every group, as the status page and the Last call show them.
 *
 * Threads: every function may be called from any thread. Memory: two results per group (the last
 * quick and the last deep one).
 */
#ifndef TC_SERVICES_SCRUBBER_SHELL_BOARD_H
#define TC_SERVICES_SCRUBBER_SHELL_BOARD_H

#include "scrubber/metrics.h"
#include "scrubber/pass/pass.h"

struct board;

struct board *board_new(struct scrubber_metrics *metrics);
void board_free(struct board *b);
/* Takes the result, which stays on the board until the group's next one. */
void board_post_take(struct board *b, Tercet__Pb__ScrubGroup *g, enum pass_depth depth);
/* The group's last result at this depth or a deeper one stands: it was clean, at the index that is
 * still the last one of every replica (pass_nodes_idle_index), and is not older than age_max_ms. */
bool board_keep(struct board *b, uint64_t gid, enum pass_depth depth, uint64_t index,
                uint64_t now_ms, uint64_t age_max_ms);
/* This pass did not look: its last results stay. */
void board_stand(struct board *b, uint64_t gid);
/* What is wrong with the passes as a whole; "" when nothing is. */
void board_problem(struct board *b, struct tc_slice text);
/* A pass over all groups begins; the mark is for its end. Not by the wall clock, which jumps. */
uint64_t board_pass_begins(struct board *b);
/* It ended: forget groups neither scrubbed nor kept since the mark. 0: not all nodes answered, so a
 * group not seen may still be there, and nothing is forgotten. */
void board_pass_ended(struct board *b, enum pass_depth depth, uint64_t mark);
/* Append a packed ScrubRunReply with the last results of gid (0: all groups). */
void board_pack(struct board *b, uint64_t gid, struct tc_buf *ret_reply);
void board_json(struct board *b, struct tc_buf *ret_json);

#endif
