//! Catalogers, one file each: from files of an image to packages and problems.
use cleanbill_image::{Blobs, Image, ImageError};
use cleanbill_model::{Budget, CatalogerId, Sbom};

/// The catalogers and their versions, as written into every SBOM.
pub fn catalogers() -> Vec<CatalogerId> { todo!() }

/// Looks into every layer of `image` once and says what is aboard. What could not be read becomes a
/// problem of the SBOM; an error only where nothing could be read at all.
pub fn inventory(_image: &Image, _blobs: &dyn Blobs, _budget: &Budget) -> Result<Sbom, ImageError> { todo!() }
