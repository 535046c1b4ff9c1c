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

mod answer;
pub mod certs;
mod facts;
mod load;
mod look;
mod message;
mod others;
pub mod server;

pub use answer::{Admission, AdmissionOptions, Hook, Phase};
pub use load::load;
pub use others::{Journal, Scans};
