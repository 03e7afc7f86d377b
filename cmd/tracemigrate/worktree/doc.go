// Package worktree reads the manifests of a work tree and replaces some of them, all or
// none. A run that is killed while it replaces files leaves a journal; the next run
// finishes what the journal records before it reads anything. What a system knows of files
// and directories is here for all of the program: Writable, IsOwn and SyncDir.
package worktree
