"""Events: what a run does, for a person, the event log and a cluster's metrics."""
