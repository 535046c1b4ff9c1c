//! For tests only: an in-memory registry that is strict, and hostile on demand; images made in memory;
//! starters of real components. Anything that goes wrong here panics, because it is a test that fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]

pub mod components;
pub mod image;
pub mod registry;

pub use image::{
    BuiltImage, BuiltIndex, BuiltLayer, Compression, ImageBuilder, Layer, debian_layer, jar, log4j_core_jar,
};
pub use registry::{Auth, Faults, Registry, RegistryOptions, Request};
