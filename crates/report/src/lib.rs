//! Findings, evidence and verdicts → table, JSON, …, one file each; used by command line and hub.
