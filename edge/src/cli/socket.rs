//! The socket in a till's data directory: while the daemon runs, and holds the store, the other commands ask it there.

use std::fs::{File, Permissions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// The socket's name in the data directory.
const NAME: &str = "daemon.socket";
/// A socket's path has at most 108 bytes on Linux (`sun_path`), its final zero included.
const PATH_BYTES: usize = 107;

/// Where the socket of a data directory is.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(NAME)
}

/// Opens the socket for its owner alone. The caller holds the store, so that one that is there is left over.
pub(crate) fn listen(data_dir: &Path) -> Result<UnixListener, String> {
    let (path, new) = (path(data_dir), data_dir.join(format!("{NAME}.new")));
    remove(&new);
    let open = || {
        let (bound, _folder) = short(&new)?;
        let listener = UnixListener::bind(bound)?;
        std::fs::set_permissions(&new, Permissions::from_mode(0o600))?;
        // nobody finds it before it is private
        std::fs::rename(&new, &path)?;
        Ok(listener)
    };
    open().map_err(|error: std::io::Error| format!("{}: {error}", path.display()))
}

/// Removes a socket.
pub(crate) fn remove(path: &Path) {
    // one that is not there is as well
    let _ = std::fs::remove_file(path);
}

/// A path to the same place that is short enough for a socket: through the open directory, where it is long itself. It
/// holds while the file beside it is kept.
pub(crate) fn short(path: &Path) -> std::io::Result<(PathBuf, Option<File>)> {
    let parts = path.parent().zip(path.file_name()).filter(|_| path.as_os_str().len() > PATH_BYTES);
    let Some((folder, name)) = parts else { return Ok((path.to_owned(), None)) };
    let folder = File::open(folder)?;
    let through = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
    Ok((through, Some(folder)))
}
