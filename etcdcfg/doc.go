// Package etcdcfg is the order desk: what should be collected, and who is on
// duty.
//
// The collect entries stand under one etcd key as a JSON array (see [Parse]).
// A [Store] loads, saves and watches that list; an [Announcer] keeps an agent's
// [Presence] alive under a lease; both agents and the console use them.
//
// What it promises:
//
//   - A save is a compare-and-swap on the revision the editor has seen: nobody's
//     edit is overwritten unseen ([ConflictError]). The change is recorded under
//     [HistoryPrefix] in the same transaction.
//   - Fields and formatting that logctl does not know survive an edit; an entry
//     that was not edited keeps its bytes.
//   - A watch misses nothing that lasts: it starts at the revision after the one
//     it has read, and reads again after a compaction, a cancellation, an outage,
//     or a store that went back in time. Of a burst it may deliver the last state
//     only.
//   - No call lasts longer than the store's timeout or its context.
//
// What it never does: delete a collect key, write a list that does not validate,
// start anything on its own (only Run and Watch methods have goroutines, and they
// end before these return), or log: it returns errors and calls back, except for
// the Announcer, which has nobody to tell.
//
// Functions and the methods of Store are safe for concurrent use. The client
// given to NewStore stays the caller's to close.
package etcdcfg
