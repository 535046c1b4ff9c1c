//! Signing and verifying: from a digest to evidence, and from a private key to something attached.
//!
//! What is written is what cosign 3 writes with a key: an in-toto statement over the digest in a
//! DSSE envelope in a sigstore bundle v0.3, attached as an OCI referrer (sigstore/cosign
//! `pkg/oci/remote/write.go`, sigstore/protobuf-specs `protos/sigstore_bundle.proto`); or what cosign 2
//! writes, a layer under a tag. Both are read, and each signature has its own verdict. What is read is
//! judged from the signed bytes alone: annotations, artifact types and tags, which anybody with
//! write access can set, only say where to look.
//!
//! [`collect`] fetches and keeps, [`judge`] decides without any network; so what was fetched for a
//! digest can be kept and judged again when keys change.

mod attached;
mod bundle;
mod carry;
mod collect;
mod der;
mod dsse;
mod judge;
mod keys;
mod object;
pub mod offline;
mod pem;
mod predicate;
mod prehashed;
mod sealed;
mod sign;
mod simple;
mod statement;

pub use attached::{Attached, attached, documents};
pub use carry::{Carried, carry, carry_verified};
pub use collect::{Collected, Look, collect, collect_from, evidence};
pub use judge::{Attestation, Demands, Stated, Verified, attestations, demand_annotations, judge, statements};
pub use keys::{KeyError, PrivateKey, PublicKey};
pub use predicate::{Predicate, PredicateError, predicate_type};
pub use sign::{Form, How, SignError, Signed, attest, sign, sign_as};
