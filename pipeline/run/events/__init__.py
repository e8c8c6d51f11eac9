"""Who is told what a run does: a person, the event log, a cluster's metrics."""
