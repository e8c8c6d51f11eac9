"""Plan: estimate what a run will take: the search by arithmetic, embedding by a rehearsal."""
