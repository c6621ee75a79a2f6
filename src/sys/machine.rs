//! The machine: how much memory and how many descriptors a process may use here, and its kernel.
//!
//! Owns the sources of these figures. Does not know what they are for.

use std::fs;
use std::path::Path;

/// Memory of the machine in bytes, or of the control group (version 2 or 1) this process is in, if that has less. `None`:
/// the system does not say.
pub fn memory() -> Option<u64> {
    [physical(), control_group()].into_iter().flatten().min()
}

/// Number of descriptors this process may have open (`RLIMIT_NOFILE`); `None`: without a limit.
pub fn descriptors() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// Name, version and processor of the kernel, as `uname -srm` has them.
pub fn kernel() -> String {
    let name = rustix::system::uname();
    [name.sysname(), name.release(), name.machine()].map(|part| part.to_string_lossy().into_owned()).join(" ")
}

/// `MemTotal` of `proc_meminfo(5)`.
fn physical() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// The limit of the control group and of those above it: cgroups(7), `memory.max`; version 1 `memory.limit_in_bytes`.
fn control_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let limits = groups.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => return None,
        };
        let folder = Path::new(root).join(path.trim_start_matches('/'));
        folder
            .ancestors()
            .take_while(|folder| folder.starts_with(root))
            .filter_map(|folder| limit(&folder.join(file)))
            .min()
    });
    limits.min()
}

/// A limit in bytes; `None` for `max`, or if there is no such file.
fn limit(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn a_machine_has_some_memory() {
        assert!(super::memory().is_some_and(|bytes| bytes > 1 << 20));
    }
}
