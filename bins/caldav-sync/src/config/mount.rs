//! On which kind of file system a folder is: SQLite's locks do not hold on those of a network.

use std::path::Path;

/// File systems of a network, as Linux names them.
const NETWORK: [&str; 12] = [
    "9p",
    "afs",
    "ceph",
    "cifs",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.sshfs",
    "ncpfs",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
];

/// The network file system that a folder is on, if it is on one and the system tells.
pub(crate) fn network(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let kind = kind(&mounts, &folder)?;
    NETWORK.contains(&kind).then(|| kind.to_owned())
}

/// The kind of the innermost mount around a folder; see proc(5).
fn kind<'a>(mounts: &'a str, folder: &Path) -> Option<&'a str> {
    let mut innermost = None;
    for line in mounts.lines() {
        let Some((place, source)) = line.split_once(" - ") else {
            continue;
        };
        let (Some(point), Some(kind)) = (place.split(' ').nth(4), source.split(' ').next()) else {
            continue;
        };
        let point = point.replace("\\040", " ");
        // A later mount on the same point hides the earlier one.
        if folder.starts_with(&point) && innermost.is_none_or(|(length, _)| point.len() >= length) {
            innermost = Some((point.len(), kind));
        }
    }
    innermost.map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
        22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
        30 22 0:40 / /srv/my\\040data rw - nfs4 nas:/data rw,vers=4.2\n\
        31 22 0:41 / /srv/my\\040data/local rw master:2 - xfs /dev/sdb1 rw\n";

    #[test]
    fn the_innermost_mount_counts() {
        let found = |folder: &str| kind(MOUNTS, Path::new(folder));
        assert_eq!(found("/var/lib"), Some("ext4"));
        assert_eq!(found("/srv/my data/calendars"), Some("nfs4"));
        assert_eq!(found("/srv/my data/local/x"), Some("xfs"));
        assert_eq!(found("/srv/my data2"), Some("ext4"));
    }
}
