// Package output turns data into text: what convert, diff, report and explain found,
// and the notes on stderr. A form is one file and one line of forms.go. Package main
// reads flags and input, and passes the data, a writer and the size of its terminal.
package output
