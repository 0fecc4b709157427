// Package fault kills the runtime, or the init process, at a chosen place, to
// show that nothing is left behind that delete --force does not find. It does
// something only in a binary built with the tag faultinject, for tests; without
// the tag its functions are empty and cost nothing. It imports nothing of ours.
package fault
