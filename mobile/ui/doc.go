// Package ui is the enumerator's screens: one file a screen. It shows what package tablet holds and what packages schema and
// survey say about it, and hands every answer to the tablet's store at once. It keeps nothing that would be missed after a
// kill, opens no socket of its own, decides no rule of the review, and does not import fyne's app package, so that all of it
// is tested without a window system.
//
// Start reading at [App] (app.go: the stack of screens and the one goroutine that writes), then section.go (a page of
// questions), question.go (one question with its answer, problems and last year's answer) and editors.go (how each type of
// answer is entered). flow.go holds the few widgets everything is laid out with: Fyne never shrinks a widget below its
// minimum and clips silently, so here every text wraps and every container knows its height for a given width.
package ui
