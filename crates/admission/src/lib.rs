//! The webhook's brain: pin, verify, answer before the deadline. Knows the model, not Kubernetes.
//!
//! * A mutating call resolves each image of a Pod once, verifies exactly that digest and pins the
//!   Pod to it; so what runs is what was verified, however often the tag moves (A18).
//! * A validating call verifies what is pinned. It never resolves a Pod's tag into an admission: a
//!   tag there means that the mutating call was passed by (A72). Templates are verified and never
//!   changed.
//! * What could not be found out is its own answer; the failure policy decides about it, and the
//!   answer names what was tried. It is given before the API server stops waiting.
//! * Only facts are kept ([`facts`]), by digest; verdicts are computed each time. Nothing an object
//!   carries besides its image fields takes part in a verdict.
//! * What is wrong with an image comes from a look of our own ([`Scans`]), at every manifest that could
//!   run of it; what is attested of packages or findings changes nothing there.
//! * What waits, waits within its deadline and in the queue of its own registry host and namespace.

mod answer;
pub mod certs;
mod children;
mod clock;
mod draft;
mod facts;
mod flights;
mod glass;
mod limits;
mod load;
mod look;
mod message;
mod metrics;
mod others;
pub mod server;

pub use answer::{Admission, AdmissionOptions, Clock, Hook, Phase};
pub use children::Child;
pub use clock::{ClockBehind, Floor, FloorError};
pub use load::load;
pub use metrics::{Metrics, MetricsServer};
pub use others::{BreakGlass, BrokenGlass, Journal, Scans};
