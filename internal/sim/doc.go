// Package sim holds the simulator: real tablets, the real central store and a bad link between them, in one process, one
// goroutine and one seed. It has tests only.
//
// A world ([world], world_test.go) takes random steps (steps_*_test.go) under a virtual clock: people type, close forms, sync over
// a link that loses, repeats, holds back, cuts and garbles (link_test.go); programs are killed at numbered points and inside
// transactions; disks fail; folders are restored from old copies and cloned (tablet_test.go); the server is killed and put back
// from a backup (home_test.go); areas are granted and withdrawn, boards decide. Then the world heals, everybody syncs until
// nothing moves, and what must hold is checked (check_test.go): each node is the fold of what it has seen, all are equal, and
// every save that a tablet reported as done is at home. What was reported is known to a witness outside the system
// (witness_test.go), and the fold is written anew here, from the bytes (fold_test.go), so that a fault of the merge is not
// compared with itself.
//
// What it leaves to others: the merge under random clocks (I10) to the tests of package sync, frozen totals (I14) to whoever
// freezes them, two servers on one database and real processes to their own runs. And what nobody could find: a run either puts
// the server back or whole folders of tablets, never both, as a tablet and the server that have both forgotten a change will
// give its number to another.
//
//	go test ./internal/sim                      some fixed seeds and a random one
//	SEED=7 go test ./internal/sim -run TestSim  that seed alone; when it fails, the steps it needs
//	RASOAT_SIM_SECONDS=3600 go test ./internal/sim -run TestSim -timeout 0
package sim
