//! Images made in memory: layers, manifests, indexes, and the files they are saved in.

mod archive;
mod builder;
mod debian;
mod jar;
mod layer;
pub mod tar;

pub use builder::{BuiltImage, BuiltIndex, ImageBuilder, media_type};
pub use debian::debian_layer;
pub use jar::{jar, log4j_core_jar};
pub use layer::{BuiltLayer, Compression, Layer};
