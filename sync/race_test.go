//go:build race

package sync

// raceDetector is on: it makes everything ten times slower, and the merge has no goroutine it could watch.
const raceDetector = true
