//! What Istio and Envoy Gateway make of their resources for Envoy, as their sources say
//! (docs/compatibility.md), on a real Envoy: other plugins in the same VM id, configurations that come by
//! discovery, filters that routes switch on, small buffers, and modules that die.

/// Bodies that are larger than the buffers, compressed, slow or uploaded.
mod bodies;
/// The circuits, while another plugin overwrites what they share.
mod circuits;
/// Modules that die. Nothing in Tidegate is known to trap; should it happen, the resource says what becomes
/// of the requests.
mod deaths;
/// Configurations that change, and routes without the filter.
mod delivery;
/// Another plugin, which writes whatever it is told into the shared data.
mod foreign;
/// The configurations themselves.
mod plane;
/// A module that dies.
mod trap;
