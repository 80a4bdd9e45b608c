// Package schema holds what is asked and how it is judged, as versioned data: the questionnaires, the poverty
// standards and the code lists of the yearly review (rà soát hộ nghèo, hộ cận nghèo).
//
// It owns the published files under questionnaires/, standards/ and codes/, reads them strictly, compiles their
// expressions (CEL) and answers questions about them. Every fault in a file is reported with file and line.
//
// It never looks at an answer by itself, never reads a clock, never knows a household: package survey does the
// judging with the values and expressions of this package. It imports nothing else of this module.
//
// Start reading at [Set] (what is loaded), then [Questionnaire] and [Standard] (what the files say), then
// [Expression] (how a rule is evaluated with open answers) and [Areas] (places with their dates).
package schema
