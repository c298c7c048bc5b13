// The undo journal: what must be taken back, written before it is done. A disconnect, a crash, the
// next start or the unit's ExecStopPost replays it backwards. Undoing twice is harmless: what is
// absent already counts as undone.
//
// The file is text, one entry a line, `verb key=value ...`, values percent-escaped. Each entry goes
// to the file with one write(2) before push() returns, so it survives the death of the process; the
// file lives in /run, which does not survive the machine, and neither do the changes.
//   push(undo) -> make the change -> on failure cancel_last().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "platform/fd.h"
#include "platform/netlink.h"
#include "platform/sys_error.h"

namespace godwit::platform {

struct UndoLink {  // delete-link; a killed process's ring may hold its device for a while
  std::string device;
};
struct UndoAddress {  // delete-address
  std::string device;
  IpAddress address;
  int length = 0;
};
struct UndoRoute {  // delete-route; the device by name, because an index may be reused
  std::string device;
  Route route;  // route.index is ignored
};
struct UndoRule {  // delete-rule
  Rule rule;
};
struct UndoResolvConf {  // restore-resolv-conf
  enum class Kind : std::uint8_t { kFile, kSymlink, kAbsent };
  std::string path;
  Kind kind = Kind::kFile;
  std::string backup;  // kFile: a copy of the content
  std::string target;  // kSymlink
  std::uint32_t mode = 0644;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};
struct UndoResolvedLink {  // revert-resolved-link
  std::string device;
  std::string bus;  // D-Bus address; empty: the system bus
};
struct UndoResolvconf {  // delete-resolvconf-record: `program -d record`
  std::string program;
  std::string record;
};
struct UndoFile {  // remove-file
  std::string path;
};
struct UndoScript {  // run-script: the disconnect of a script or of hooks, whatever it returns
  std::vector<std::string> argv;         // of the script; none: the programs of `hooks`
  std::string hooks;                     // a folder
  std::vector<std::string> environment;  // as the script saw it at connect, with another reason
};
struct UndoFirewall {  // delete-nft-table, of family inet
  std::string table;
};
struct UndoValidMark {};  // clear-src-valid-mark: of all devices, unless another journal has it too
using Undo =
    std::variant<UndoLink, UndoAddress, UndoRoute, UndoRule, UndoResolvConf, UndoResolvedLink,
                 UndoResolvconf, UndoFile, UndoScript, UndoFirewall, UndoValidMark>;

// One line without its newline, and back. parse_undo fails on an unknown verb or a bad value.
std::string to_line(const Undo& undo);
std::optional<Undo> parse_undo(const std::string& line);

// The process that wrote a journal, so that a later command can tell whether it still lives: a pid
// alone may have been given to somebody else.
struct JournalOwner {
  int pid = 0;
  std::string boot_id;
  std::uint64_t start_time = 0;  // field 22 of /proc/PID/stat

  static JournalOwner self();
  bool is_alive() const;
};

// What a replay did. `failures` is not empty when something could not be taken back; the journal
// stays in place then.
struct ReplayReport {
  std::size_t undone = 0;
  std::size_t absent = 0;   // was not there any more
  std::size_t ignored = 0;  // lines that are no entry: damaged or foreign
  std::vector<SysError> failures;
  bool complete() const { return failures.empty(); }
};

inline constexpr const char* kRunDirectory = "/run/godwit";

// The lock of one profile's journal: a file that exists while somebody holds it.
class JournalLock {
 public:
  JournalLock() = default;
  // Creates the directory when it is missing. EWOULDBLOCK when another process holds the lock.
  static Result<JournalLock, SysError> take(const std::string& profile,
                                            const std::string& directory);
  JournalLock(JournalLock&&) noexcept = default;
  JournalLock& operator=(JournalLock&&) noexcept = default;
  ~JournalLock();  // removes the file, and the directory when nothing else is in it

 private:
  Fd fd_;
  std::string path_;
  std::string directory_;
};

class UndoJournal {
 public:
  // Opens <directory>/<profile>.journal, creating the directory (0755) and the file (0600), and
  // holds <directory>/<profile>.lock until it is destroyed. EWOULDBLOCK when another process holds
  // the lock; EINVAL when `profile` is no plain file name; EEXIST when a journal of a dead owner is
  // there: replay_file() it first.
  static Result<UndoJournal, SysError> open(const std::string& profile,
                                            const std::string& directory = kRunDirectory);

  // Writes the entry down. Make the change only after this succeeded.
  Result<void, SysError> push(const Undo& undo);
  // The change of the last entry was refused (it existed before us, say): it must not be undone.
  Result<void, SysError> cancel_last();

  // Whether another profile's journal has the same entry: a setting of the whole machine is taken
  // back by whoever ends last.
  bool is_written_elsewhere(const Undo& undo) const;

  // Takes everything back, last entry first, and removes the file when that worked. The journal can
  // be used again afterwards.
  Result<ReplayReport, SysError> replay_all();

  // The same down to the first `count` entries, which stay.
  Result<ReplayReport, SysError> replay_down_to(std::size_t count);

  const std::string& path() const { return path_; }
  const std::string& directory() const { return directory_; }
  const std::string& profile() const { return profile_; }
  std::size_t size() const { return entries_.size(); }

  // For the next command: replays the journal of a process that died, holding the lock meanwhile.
  // Success with an empty report when there is no journal; EWOULDBLOCK when the owner lives.
  static Result<ReplayReport, SysError> replay_file(const std::string& profile,
                                                    const std::string& directory = kRunDirectory);
  // Who wrote the journal; nothing when there is none or its head is damaged.
  static std::optional<JournalOwner> owner_of(const std::string& profile,
                                              const std::string& directory = kRunDirectory);

 private:
  UndoJournal() = default;
  Result<void, SysError> create_file();
  Result<void, SysError> append(const std::string& line);

  std::string profile_;
  std::string directory_;
  std::string path_;
  JournalLock lock_;
  Fd file_;
  std::vector<std::optional<Undo>> entries_;  // an empty one was cancelled
};

}  // namespace godwit::platform
