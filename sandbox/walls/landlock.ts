/**
 * Landlock: the Linux kernel's own wall for the file system, inside bubblewrap and in its place where it may not create
 * namespaces, as on many clusters. A process gives up rights, and the program it becomes inherits the rest; a
 * few lines of Perl do that, because Deno cannot change a process between `fork` and `exec`.
 *
 * What is refused is opening, making, removing and renaming of files that are not granted, the making of links, pipes
 * and devices anywhere, and from version 4 on TCP. Not covered: `stat`, `chmod` and the like, which Deno's permissions
 * refuse.
 *
 * @see https://docs.kernel.org/userspace-api/landlock.html, "Kernel interface": the numbers below
 *
 * @module
 */

/** Access to files of a folder: execute, read a file, read a folder. */
const READ = 0x000d;
/** And: write, remove folder and file, make folder and plain file, move between folders, truncate. */
const WRITE = READ | 0x0002 | 0x0010 | 0x0020 | 0x0080 | 0x0100 | 0x2000 | 0x4000;

/**
 * Arguments: read-only paths, `--`, writable paths, `--`, command. Exit code 126 where the kernel has no Landlock.
 * The numbers of the three calls are the same on every architecture, that of prctl is not.
 */
const LAUNCHER = `
my (@lists) = ([], [], []);
my $n = 0;
for (@ARGV) { if ($n < 2 && $_ eq '--') { $n++ } else { push @{$lists[$n]}, $_ } }
my $machine = (split ' ', \`uname -m\`)[0];
my $prctl = { x86_64 => 157, aarch64 => 167 }->{$machine} or exit 126;
my $version = syscall(444, 0, 0, 1);
exit 126 if $version < 1;
my $files = $version >= 5 ? 0xffff : $version >= 3 ? 0x7fff : $version == 2 ? 0x3fff : 0x1fff;
my $size = $version >= 6 ? 24 : $version >= 4 ? 16 : 8;
my $attributes = pack('QQQ', $files, 3, 3);
my $rules = syscall(444, $attributes, $size, 0);
exit 126 if $rules < 0;
sub grant {
  my ($path, $access) = @_;
  $access &= ~0x21b8 unless -d $path;
  sysopen(my $file, $path, 0x200000) or return;
  my $rule = pack('Ql', $access & $files, fileno($file));
  syscall(445, $rules, 1, $rule, 0) == 0 or exit 126;
}
grant($_, ${READ}) for @{$lists[0]};
grant($_, ${WRITE}) for @{$lists[1]};
grant('/proc/self/maps', ${READ});
syscall($prctl, 38, 1, 0, 0, 0) == 0 or exit 126;
syscall(446, $rules, 0) == 0 or exit 126;
exec { $lists[2][0] } @{$lists[2]} or exit 127;
`;

/** The words before a command that then may touch nothing but these paths. */
export function landlockArgs(read: readonly string[], write: readonly string[]): string[] {
  return ["perl", "-e", LAUNCHER, "--", ...read, "--", ...write, "--"];
}
