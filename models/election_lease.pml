/* Election, adoption of the best log, commit and leases of one group of three, small enough that
 * every interleaving is tried. README.md maps each option below to the C function it models.
 *
 * Abstractions. The network is the set of all messages ever sent: reading any of them at any time
 * models loss, delay, reordering and duplication at once. Time is a bounded counter that all clocks
 * share; a lease is LEASE ticks (0: no leases, elections and logs only). A log is two slots, each
 * holding the ballot that proposed it; LEAD is what a leader writes into its first free slot.
 * Durability: a promise or an accept is one step with its answer (the C core orders answers after
 * the disk, which the simulator tests). A crash forgets role, grant and echoes.
 *
 * Properties: no two replicas commit different entries in a slot; nobody serves a read at a ballot
 * below that of a committed LEAD. MUTANT uses the numbers of REPLICATION.md D6.
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#define N       3
#define BALLOTS (ROUNDS * N + 1)
#define BALLOT(round, id) ((round) * N + (id) + 1)
#define OWNER(b)    (((b) - 1) % N)
#define BIT(i)      (1 << (i))
#define QUORUM(set) ((set) == 3 || (set) == 5 || (set) == 6 || (set) == 7)
#define LAST(a, b)  ((b) > 0 -> (b) * 2 + 1 : (a) * 2)

/* Durable. 0: an empty slot. */
byte promised[N];
byte log0[N];
byte log1[N];

/* Volatile. */
byte grant_until[N];
byte grant_ballot[N];
byte quarantine[N];
byte leads[N];     /* own ballot while leader, else 0 */
byte lead_slot[N];
byte echo_at[N];   /* newest own send time that was echoed, plus 1; 0: none */
byte rounds[N];
byte crashes = CRASHES;
byte now;

/* What was said, for ever. */
byte promisers[BALLOTS]; /* bits; the candidate's own is the proof that PREPARE was sent */
byte said0[BALLOTS * N]; /* the logs that came with the promises */
byte said1[BALLOTS * N];
bit sent[BALLOTS];       /* ACCEPT with the leader's whole log */
byte sent0[BALLOTS];
byte sent1[BALLOTS];
byte sent_at[BALLOTS];   /* newest send time, plus 1 */
byte echoed[BALLOTS];    /* newest send time that an acknowledgement carries, plus 1 */
byte acked[BALLOTS];     /* bits: who holds that log */

byte chosen0;
byte chosen1;
byte chosen_lead; /* highest ballot whose LEAD is committed */

#define ECHO(i)   (MUTANT == 7 -> now + 1 : echoed[leads[i]])
#define LEASED(i) (leads[i] != 0 && echo_at[i] != 0 && now < echo_at[i] - 1 + LEASE)

inline say_log(b) {
    promisers[b] = promisers[b] | BIT(i);
    said0[b * N + i] = log0[i];
    said1[b * N + i] = log1[i]
}

/* paxos__campaign; the own promise is durable before it counts */
#define CAMPAIGN                                                                                   \
    d_step {                                                                                       \
        leads[i] == 0 && rounds[i] < ROUNDS && i < CANDIDATES && now >= quarantine[i] &&           \
            (now >= grant_until[i] || MUTANT == 9) && BALLOT(rounds[i], i) > promised[i] ->        \
        promised[i] = BALLOT(rounds[i], i);                                                        \
        rounds[i]++;                                                                               \
        grant_until[i] = 0;                                                                        \
        say_log(promised[i])                                                                       \
    }

/* paxos__recv_prepare */
#define PROMISE(b)                                                                                 \
    d_step {                                                                                       \
        (promisers[b] & BIT(OWNER(b))) && b > promised[i] &&                                       \
            (now >= quarantine[i] || MUTANT == 8) &&                                               \
            (now >= grant_until[i] || OWNER(grant_ballot[i]) == OWNER(b) || MUTANT == 9) &&        \
            !LEASED(i) ->                                                                          \
        promised[i] = b;                                                                           \
        leads[i] = 0;                                                                              \
        grant_until[i] = 0;                                                                        \
        say_log(b)                                                                                 \
    }

/* paxos__recv_accept: grant, take the log, acknowledge with the send time */
#define ACCEPT(b)                                                                                  \
    d_step {                                                                                       \
        sent[b] && OWNER(b) != i && (b >= promised[i] || MUTANT == 4) ->                           \
        promised[i] = (b > promised[i] -> b : promised[i]);                                        \
        leads[i] = 0;                                                                              \
        log0[i] = sent0[b];                                                                        \
        log1[i] = sent1[b];                                                                        \
        acked[b] = acked[b] | BIT(i);                                                              \
        echoed[b] = sent_at[b];                                                                    \
        grant_until[i] = now + LEASE;                                                              \
        grant_ballot[i] = (LEASE > 0 -> b : 0)                                                     \
    }

/* paxos__candidate_advance: take the best log of the promisers; mutant 11 keeps the own one */
inline adopt(b, k) {
    if
    :: MUTANT != 11 && (promisers[b] & BIT(k)) &&
       LAST(said0[b * N + k], said1[b * N + k]) > LAST(log0[i], log1[i]) ->
        log0[i] = said0[b * N + k];
        log1[i] = said1[b * N + k]
    :: else
    fi
}

#define WIN                                                                                        \
    d_step {                                                                                       \
        leads[i] == 0 && promised[i] > 0 && OWNER(promised[i]) == i &&                             \
            QUORUM(promisers[promised[i]]) && !sent[promised[i]] ->                                \
        adopt(promised[i], 0);                                                                     \
        adopt(promised[i], 1);                                                                     \
        adopt(promised[i], 2);                                                                     \
        if                                                                                         \
        :: log0[i] == 0 -> log0[i] = promised[i]; lead_slot[i] = 0; leads[i] = promised[i]         \
        :: log0[i] != 0 && log1[i] == 0 ->                                                         \
            log1[i] = promised[i]; lead_slot[i] = 1; leads[i] = promised[i]                        \
        :: else /* the model's log is full */                                                      \
        fi;                                                                                        \
        if                                                                                         \
        :: leads[i] != 0 ->                                                                        \
            sent[leads[i]] = 1;                                                                    \
            sent0[leads[i]] = log0[i];                                                             \
            sent1[leads[i]] = log1[i];                                                             \
            sent_at[leads[i]] = (LEASE > 0 -> now + 1 : 0);                                        \
            acked[leads[i]] = acked[leads[i]] | BIT(i);                                            \
            echo_at[i] = 0                                                                         \
        :: else                                                                                    \
        fi                                                                                         \
    }

/* advance_commit: a quorum holds the log with the own-ballot entry at its end */
#define COMMIT                                                                                     \
    d_step {                                                                                       \
        leads[i] != 0 && QUORUM(acked[leads[i]]) && chosen_lead < leads[i] ->                      \
        assert(chosen0 == 0 || chosen0 == log0[i]);                                                \
        assert(chosen1 == 0 || chosen1 == log1[i]);                                                \
        chosen0 = log0[i];                                                                         \
        chosen1 = log1[i];                                                                         \
        chosen_lead = leads[i]                                                                     \
    }

proctype replica(byte i) {
    do
    :: CAMPAIGN
    :: PROMISE(1)
    :: PROMISE(2)
    :: ACCEPT(1)
    :: ACCEPT(2)
#if ROUNDS > 1
    :: PROMISE(4)
    :: PROMISE(5)
    :: ACCEPT(4)
    :: ACCEPT(5)
#endif
    :: WIN
    :: COMMIT
#if LEASE > 0
    :: d_step { /* a beat, with the clock at its send */
        leads[i] != 0 && sent_at[leads[i]] != now + 1 -> sent_at[leads[i]] = now + 1
       }
    :: d_step { /* paxos__recv_accepted: an acknowledgement arrives, perhaps late */
        leads[i] != 0 && echoed[leads[i]] != 0 && echo_at[i] != ECHO(i) -> echo_at[i] = ECHO(i)
       }
    :: d_step { /* a strong read: paxos__lease_valid */
        leads[i] != 0 && chosen_lead > leads[i] && (LEASED(i) || MUTANT == 6) -> assert(false)
       }
#endif
    :: d_step { /* crash and restart: paxos_new */
        crashes > 0 ->
        crashes--;
        leads[i] = 0;
        grant_until[i] = 0;
        grant_ballot[i] = 0;
        echo_at[i] = 0;
        quarantine[i] = (MUTANT == 8 -> 0 : now + LEASE)
       }
    od
}

proctype ticker() {
    do
    :: now < TICKS -> now++
    od
}

init {
    atomic {
        run replica(0);
        run replica(1);
        run replica(2);
        run ticker()
    }
}
