/* tc_mutant: deliberate faults for the simulator's own test (REPLICATION.md D4).
 *
 * A patch point asks TC_MUTANT(n); the answer is the constant 0 in everything that ships. Only the
 * simulator's own build of a library defines TC_MUTANTS, and the program it is linked into owns the
 * number. tests/sim/store/mutants.txt lists the numbers; ./dev mutants runs them.
 */
#ifndef TC_BASE_MUTANT_H
#define TC_BASE_MUTANT_H

#ifdef TC_MUTANTS
extern unsigned tc_mutant; /* 0: none */
#define TC_MUTANT(n) (tc_mutant == (n))
#else
#define TC_MUTANT(n) (0)
#endif

#endif
