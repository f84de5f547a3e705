//! A host where another worker writes a value between each read and write of it.

use super::*;

/// A host where another worker writes a value between each read and write of it.
pub(super) struct ConcurrentWriter<'a> {
    pub(super) host: &'a mut FakeHost,
    pub(super) key: &'a str,
    pub(super) value: Vec<u8>,
    pub(super) times: u32,
}

impl SharedData for ConcurrentWriter<'_> {
    fn shared_data(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        self.host.shared_data(key)
    }

    fn compare_and_swap(
        &mut self,
        key: &str,
        value: &[u8],
        version: Option<u32>,
    ) -> Result<(), HostError> {
        if key == self.key && self.times > 0 {
            self.times -= 1;
            let _ = self.host.compare_and_swap(key, &self.value, None);
        }
        self.host.compare_and_swap(key, value, version)
    }
}
