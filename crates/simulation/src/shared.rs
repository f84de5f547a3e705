//! The shared data of the workers of one proxy, in memory.

use std::collections::HashMap;

use tidegate_core::host::{HostError, SharedData};

/// The shared data of a host.
#[derive(Debug, Default)]
pub(super) struct Shared(HashMap<String, (Vec<u8>, u32)>);

impl SharedData for Shared {
    fn shared_data(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        Ok(self.0.get(key).cloned())
    }

    fn compare_and_swap(
        &mut self,
        key: &str,
        value: &[u8],
        number: Option<u32>,
    ) -> Result<(), HostError> {
        // As in Envoy: the number is not compared if there is no value.
        let Some((written, current)) = self.0.get_mut(key) else {
            self.0.insert(key.to_owned(), (value.to_vec(), 1));
            return Ok(());
        };
        if number.is_some_and(|number| number != *current) {
            return Err(HostError::CasMismatch);
        }
        value.clone_into(written);
        *current = current.wrapping_add(1);
        Ok(())
    }
}
