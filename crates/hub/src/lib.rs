//! The hub: takes what agents report, keeps it, and answers "which pods, in all clusters, run it?".
//!
//! [`Hub`] takes batches and images ([`cleanbill_protocol::Ingest`]), makes them durable through
//! [`cleanbill_store::Store`], keeps the fleet index in memory (rebuilt from the store at start),
//! answers queries ([`Hub::where_`]), watches folders of advisories ([`Hub::refresh_advisories`]),
//! raises alerts once each, keeps what the admission webhook answered ([`Hub::note_admission`]), and serves API and pages ([`Hub::router`], [`Hub::serve`]) behind
//! [`Auth`].

mod admissions;
mod advisories;
mod alerts;
mod answer;
mod evaluate;
mod folder;
mod http;
mod hub;
mod index;
mod ingest;
mod open;
mod query;
mod status;

pub use admissions::AdmissionPage;
pub use advisories::AdvisoryStatus;
pub use answer::{Counts, Coverage, Match, MatchedPackage, Page, QueryError, Uncovered, WhereAnswer};
pub use http::{Acknowledge, Action, Auth, Authorized, View};
pub use hub::{AlertPage, Clock, Hub, HubError, HubOptions, Refresh};
pub use query::{Constraint, Op, Query, QuerySyntax};
pub use status::{ClusterStatus, FeedStatus, Status};
