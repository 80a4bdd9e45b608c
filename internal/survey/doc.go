// Package survey holds the nouns and rules of the yearly review: the interview and its members, their ages, the class a
// household gets under a standard and why, what is wrong with an answer, who may do what, and the arithmetic of totals.
//
// It is pure: values in, values out. It reads no clock, opens no file and keeps no state besides tables it can make again.
// What is asked and which rules hold is data of package schema; how copies of an interview become one is package sync.
//
// Start reading at [Interview] (answers, ready to be judged), then [Judge] (judge.go: the class with unanswered and
// contested answers), [Check] (what to say at the question) and [Classify] (the same engine over JSON lines).
package survey
