/* Phases 1 and 2 in the steps of the C core, one model step per thing that the simulator sees happen:
 * the machine that traces of the core are held against. tests/model/machine.c is the same machine in
 * C; tests/model/compare.sh checks that both have the same states. README.md maps the steps.
 *
 * What is in it that election_lease.pml leaves out: a candidate adopts a better log page by page, its
 * disk lags behind what it says, a leader's own entries become durable later than they are sent,
 * followers take any prefix that was ever sent, a crash loses what is not durable. Messages stay for
 * ever. No leases, no membership, no snapshots.
 *
 * Property: no two entries are committed in one slot. MUTANT: the numbers of REPLICATION.md D6.
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#define N 3
#define BIT(i)      (1 << (i))
#define OWNER(b)    ((b) - 1)
#define QUORUM(set) ((set) == 3 || (set) == 5 || (set) == 6 || (set) == 7)
#define W(b, n) ((b) * N + (n)) /* index of node n's part of a ballot */

/* An entry is the ballot that proposed it: with its slot that is its identity. Durable: */
byte promised[N];
byte held[N];
byte slot[N * SLOTS];
/* Volatile: the own ballot at which this node is a candidate or, with lead_at, leads. */
byte runs[N];

byte promisers[BALLOTS + 1];
byte said_len[(BALLOTS + 1) * N]; /* the log that came with the promise */
byte said[(BALLOTS + 1) * N * SLOTS];
byte blen[BALLOTS + 1]; /* the log of the candidate, then of the leader, durable there or not */
byte blog[(BALLOTS + 1) * SLOTS];
byte lead_at[BALLOTS + 1]; /* slot of LEAD, from 1; 0: does not lead */
byte bcommit[BALLOTS + 1];
byte acked[(BALLOTS + 1) * N];
byte chosen[SLOTS];

hidden byte j;
hidden byte differ;

#define OWN_LAST(i)    (held[i] > 0 -> slot[(i) * SLOTS + held[i] - 1] : 0)
#define SAID_LAST(b, n) (said_len[W(b, n)] > 0 -> said[W(b, n) * SLOTS + said_len[W(b, n)] - 1] : 0)
#define B_LAST(b)      (blen[b] > 0 -> blog[(b) * SLOTS + blen[b] - 1] : 0)
/* Is what n said better than a log with this end and length? Mutant 12: the longest. */
#define BETTER(b, n, last, len)                                                                    \
    (MUTANT == 12 -> said_len[W(b, n)] > (len) :                                                   \
     SAID_LAST(b, n) > (last) || (SAID_LAST(b, n) == (last) && said_len[W(b, n)] > (len)))
#define PROMISED_BY(b, n) ((promisers[b] & BIT(n)) != 0)
/* Those whose logs are not better than the candidate's, itself included. Mutant 11: all. */
#define NOT_BETTER(b, n) ((OWNER(b) == n || (PROMISED_BY(b, n) && \
                          (!BETTER(b, n, B_LAST(b), blen[b]) || MUTANT == 11))) -> BIT(n) : 0)
#define ACKS(b, n)                                                                                 \
    ((acked[W(b, 0)] >= (n)) + 2 * (acked[W(b, 1)] >= (n)) + 4 * (acked[W(b, 2)] >= (n)))

/* The first n entries of from (at base) come into to (at tobase): equal ones stay, and what stands
 * behind them; the first difference cuts. */
#define TAKE(to, tobase, tolen, from, base, n)                                                     \
    differ = 0;                                                                                    \
    for (j : 0 .. n - 1) {                                                                         \
        if                                                                                         \
        :: !differ && (j >= tolen || to[(tobase) + j] != from[(base) + j]) -> differ = 1           \
        :: else                                                                                    \
        fi;                                                                                        \
        to[(tobase) + j] = from[(base) + j]                                                        \
    }                                                                                              \
    if                                                                                             \
    :: differ ->                                                                                   \
        for (j : n .. SLOTS - 1) {                                                                 \
            to[(tobase) + j] = 0                                                                   \
        }                                                                                          \
        tolen = n                                                                                  \
    :: else                                                                                        \
    fi;                                                                                            \
    j = 0

#define CAMPAIGN(b)                                                                                \
    d_step {                                                                                       \
        OWNER(b) == i && b > promised[i] && promisers[b] == 0 ->                                   \
        promised[i] = b;                                                                           \
        runs[i] = b;                                                                             \
        promisers[b] = BIT(i);                                                                     \
        for (j : 0 .. SLOTS - 1) {                                                                 \
            blog[(b) * SLOTS + j] = slot[i * SLOTS + j]                                            \
        }                                                                                          \
        blen[b] = held[i]                                                                          \
    }
#define PROMISE(b)                                                                                 \
    d_step {                                                                                       \
        OWNER(b) != i && promisers[b] != 0 && b > promised[i] ->                                   \
        promised[i] = b;                                                                           \
        runs[i] = 0;                                                                             \
        promisers[b] = promisers[b] | BIT(i);                                                      \
        for (j : 0 .. SLOTS - 1) {                                                                 \
            said[W(b, i) * SLOTS + j] = slot[i * SLOTS + j]                                        \
        }                                                                                          \
        said_len[W(b, i)] = held[i]                                                                \
    }
#define MAY_TAKE(b, n, count)                                                                      \
    (OWNER(b) == i && promised[i] == b && OWNER(b) != n && PROMISED_BY(b, n) &&                    \
     QUORUM(promisers[b]) && (count) <= said_len[W(b, n)])
#define ADOPT(b, n, count)                                                                         \
    d_step {                                                                                       \
        MAY_TAKE(b, n, count) && runs[i] == b && lead_at[b] == 0 &&                              \
            BETTER(b, n, B_LAST(b), blen[b]) ->                                                    \
        TAKE(blog, (b) * SLOTS, blen[b], said, W(b, n) * SLOTS, count)                             \
    }
#define ADOPTED(b, n, count) /* durable */                                                         \
    d_step {                                                                                       \
        MAY_TAKE(b, n, count) && BETTER(b, n, OWN_LAST(i), held[i]) ->                             \
        TAKE(slot, i * SLOTS, held[i], said, W(b, n) * SLOTS, count)                               \
    }
#define WIN(b)                                                                                     \
    d_step {                                                                                       \
        OWNER(b) == i && runs[i] == b && promised[i] == b && lead_at[b] == 0 &&                  \
            QUORUM(NOT_BETTER(b, 0) | NOT_BETTER(b, 1) | NOT_BETTER(b, 2)) && blen[b] < SLOTS ->   \
        blog[(b) * SLOTS + blen[b]] = b;                                                           \
        blen[b]++;                                                                                 \
        lead_at[b] = blen[b]                                                                       \
    }
#define APPEND(b)                                                                                  \
    d_step {                                                                                       \
        runs[i] == b && lead_at[b] != 0 && blen[b] < SLOTS ->                                    \
        blog[(b) * SLOTS + blen[b]] = b;                                                           \
        blen[b]++                                                                                  \
    }
#define ACK(b, count)                                                                              \
    acked[W(b, i)] = (acked[W(b, i)] < count -> count : acked[W(b, i)])
#define SYNC(b, count) /* the leader's own entries are durable */                                  \
    d_step {                                                                                       \
        OWNER(b) == i && promised[i] == b && lead_at[b] != 0 && count <= blen[b] ->                \
        TAKE(slot, i * SLOTS, held[i], blog, (b) * SLOTS, count);                                  \
        ACK(b, count)                                                                              \
    }
#define ACCEPT(b, count) /* mutant 4: of a stale ballot too */                                     \
    d_step {                                                                                       \
        OWNER(b) != i && lead_at[b] != 0 && (b >= promised[i] || MUTANT == 4) &&                   \
            count <= blen[b] ->                                                                    \
        promised[i] = (b > promised[i] -> b : promised[i]);                                        \
        runs[i] = 0;                                                                             \
        TAKE(slot, i * SLOTS, held[i], blog, (b) * SLOTS, count);                                  \
        ACK(b, count)                                                                              \
    }
#define TORN(b, count) /* a crash tore the unit: entries are there, their promise and answer are not */ \
    d_step {                                                                                       \
        OWNER(b) != i && lead_at[b] != 0 && b >= promised[i] && count <= blen[b] ->                \
        runs[i] = 0;                                                                               \
        TAKE(slot, i * SLOTS, held[i], blog, (b) * SLOTS, count)                                   \
    }
#define HEED(b) /* an ACCEPT that does not join the own log */                                     \
    d_step {                                                                                       \
        OWNER(b) != i && lead_at[b] != 0 && b > promised[i] ->                                     \
        promised[i] = b;                                                                           \
        runs[i] = 0                                                                                \
    }
#define COMMIT(b, count)                                                                           \
    d_step {                                                                                       \
        runs[i] == b && lead_at[b] != 0 && count > bcommit[b] && count <= blen[b] &&             \
            count >= lead_at[b] && QUORUM(ACKS(b, count)) ->                                       \
        bcommit[b] = count;                                                                        \
        for (j : 0 .. count - 1) {                                                                 \
            assert(chosen[j] == 0 || chosen[j] == blog[(b) * SLOTS + j]);                          \
            chosen[j] = blog[(b) * SLOTS + j]                                                      \
        }                                                                                          \
        j = 0                                                                                      \
    }

#define ENTRY_STEPS(b, count)                                                                      \
    :: ADOPT(b, 0, count)                                                                          \
    :: ADOPT(b, 1, count)                                                                          \
    :: ADOPT(b, 2, count)                                                                          \
    :: ADOPTED(b, 0, count)                                                                        \
    :: ADOPTED(b, 1, count)                                                                        \
    :: ADOPTED(b, 2, count)                                                                        \
    :: SYNC(b, count)                                                                              \
    :: ACCEPT(b, count)                                                                            \
    :: TORN(b, count)                                                                              \
    :: COMMIT(b, count)
#define BALLOT_STEPS(b)                                                                            \
    :: CAMPAIGN(b)                                                                                 \
    :: PROMISE(b)                                                                                  \
    :: WIN(b)                                                                                      \
    :: HEED(b)                                                                                     \
    :: APPEND(b)

proctype node(byte i) {
    do
    BALLOT_STEPS(1)
    ENTRY_STEPS(1, 1)
    ENTRY_STEPS(1, 2)
#if SLOTS > 2
    ENTRY_STEPS(1, 3)
#endif
#if BALLOTS > 1
    BALLOT_STEPS(2)
    ENTRY_STEPS(2, 1)
    ENTRY_STEPS(2, 2)
#if SLOTS > 2
    ENTRY_STEPS(2, 3)
#endif
#endif
#if BALLOTS > 2
    BALLOT_STEPS(3)
    ENTRY_STEPS(3, 1)
    ENTRY_STEPS(3, 2)
#if SLOTS > 2
    ENTRY_STEPS(3, 3)
#endif
#endif
    :: d_step { runs[i] != 0 -> runs[i] = 0 } /* STOP: crash, or it gives up */
    od
}

init {
    atomic {
        run node(0);
        run node(1);
        run node(2)
    }
}
