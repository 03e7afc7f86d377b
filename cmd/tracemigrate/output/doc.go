// Package output prints the results of convert, diff, report and explain, and the messages
// on stderr. A form is one file and one line of forms.go. Package main reads flags and
// input, and passes the data, a writer and the width of its terminal.
package output
