#include "platform/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "platform/firewall.h"
#include "platform/guard.h"
#include "platform/program.h"
#include "platform/resolver.h"
#include "platform/undo_line.h"

namespace godwit::platform {
namespace {

constexpr std::size_t kJournalMax = 16U << 20;

Result<bool, SysError> counted(const Result<void, SysError>& result) {
  if (result) return true;
  if (is_absent(result.error())) return false;
  return fail(result.error());
}

Result<std::string, SysError> read_whole(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return fail(last_error("open", path));
  std::string out;
  char buffer[4096];
  while (out.size() < kJournalMax) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(last_error("read", path));
    if (got == 0) break;
    out.append(buffer, static_cast<std::size_t>(got));
  }
  return out;
}

struct Written {
  std::vector<std::optional<Undo>> entries;
  std::size_t ignored = 0;
};

Written parse(const std::string& text) {
  Written out;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    if (lines.eof()) {
      ++out.ignored;  // no newline: the write was cut off, and so the change never happened
    } else if (line == "cancel") {
      if (!out.entries.empty()) out.entries.pop_back();
    } else if (auto undo = parse_undo(line)) {
      out.entries.emplace_back(std::move(*undo));
    } else if (!parse_owner(line)) {
      ++out.ignored;
    }
  }
  return out;
}

// Whether another profile's journal beside this one has the same entry.
bool is_written_elsewhere(const Undo& undo, const std::filesystem::path& journal) {
  const std::string wanted = to_line(undo);
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(journal.parent_path(), error)) {
    if (file.path().extension() != ".journal" || file.path() == journal) continue;
    const auto text = read_whole(file.path());
    if (!text) continue;
    const auto entries = parse(*text).entries;
    if (std::ranges::any_of(entries, [&](const auto& e) { return to_line(*e) == wanted; })) {
      return true;
    }
  }
  return false;
}

// Each says whether there was something to take back.
class Undoer {
 public:
  // `journal`: the file that is replayed.
  Undoer(Netlink& netlink, const std::string& journal) : netlink_(netlink), journal_(journal) {}

  Result<bool, SysError> operator()(const UndoLink& undo) {
    const auto index = netlink_.index_of(undo.device);
    if (!index) return false;
    return counted(netlink_.delete_tun(*index));
  }
  Result<bool, SysError> operator()(const UndoAddress& undo) {
    const auto index = netlink_.index_of(undo.device);
    if (!index) return false;  // the device took its addresses with it
    return counted(netlink_.delete_address({*index, undo.address, undo.length}));
  }
  Result<bool, SysError> operator()(const UndoRoute& undo) {
    Route route = undo.route;
    route.index = 0;
    if (route.kind == RouteKind::kUnicast) {
      const auto index = netlink_.index_of(undo.device);
      if (!index) return false;
      route.index = *index;
    }
    return counted(netlink_.delete_route(route));
  }
  Result<bool, SysError> operator()(const UndoRule& undo) {
    return counted(netlink_.delete_rule(undo.rule));
  }
  Result<bool, SysError> operator()(const UndoResolvConf& undo) {
    return restore_resolv_conf(undo);
  }
  Result<bool, SysError> operator()(const UndoResolvedLink& undo) {
    return revert_resolved_link(undo);
  }
  Result<bool, SysError> operator()(const UndoResolvconf& undo) {
    return delete_resolvconf_record(undo);
  }
  Result<bool, SysError> operator()(const UndoFile& undo) {
    if (::unlink(undo.path.c_str()) == 0) return true;
    if (errno == ENOENT) return false;
    return fail(last_error("remove", undo.path));
  }
  // A script that fails would fail again: the journal does not wait for it.
  Result<bool, SysError> operator()(const UndoScript& undo) {
    std::vector<std::string> refused;
    std::vector<std::vector<std::string>> commands;
    if (!undo.argv.empty()) commands.push_back(undo.argv);
    if (!undo.hooks.empty()) {
      for (std::string& hook : programs_in(undo.hooks, refused))
        commands.push_back({std::move(hook)});
    }
    bool done = false;
    for (const auto& argv : commands) {
      if (!program_fault(argv.front()).empty()) continue;
      const auto status = run_program({argv, undo.environment});
      done |= status && *status == 0;
    }
    return done;
  }
  Result<bool, SysError> operator()(const UndoFirewall& undo) {
    return counted(delete_firewall(undo.table));
  }
  Result<bool, SysError> operator()(const UndoValidMark& undo) {
    // The last tunnel that needs it takes it back.
    if (!marks_are_valid() || is_written_elsewhere(undo, journal_)) return false;
    return counted(clear_marks_valid());
  }

 private:
  Netlink& netlink_;
  const std::string& journal_;
};

bool is_file_name(const std::string& name) {
  return !name.empty() && name.size() <= 200 && name != "." && name != ".." &&
         name.find('/') == std::string::npos && name.find('\0') == std::string::npos;
}

// Whether `path` still names the file behind `fd`: another process may have removed it between our
// open and our lock.
bool names(const std::string& path, int fd) {
  struct stat by_path {};
  struct stat by_fd {};
  return ::stat(path.c_str(), &by_path) == 0 && ::fstat(fd, &by_fd) == 0 &&
         by_path.st_ino == by_fd.st_ino && by_path.st_dev == by_fd.st_dev;
}

std::string boot_id() {
  std::string id = read_whole("/proc/sys/kernel/random/boot_id").value_or("");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

// Field 22 of /proc/PID/stat; the fields are counted from behind the program's name, which may hold
// anything. 0 when the process is gone.
std::uint64_t start_time_of(int pid) {
  const auto stat = read_whole("/proc/" + std::to_string(pid) + "/stat");
  if (!stat) return 0;
  const std::size_t name_end = stat->rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(stat->substr(name_end + 1));
  std::string word;
  rest >> word;  // field 3: the state; a zombie has let go of everything
  if (word == "Z" || word == "X") return 0;
  for (int field = 4; field < 22; ++field) rest >> word;
  std::uint64_t start = 0;
  rest >> start;
  return start;
}

ReplayReport replay(const std::vector<std::optional<Undo>>& entries, const std::string& journal) {
  ReplayReport report;
  auto netlink = Netlink::open();
  if (!netlink) {
    report.failures.push_back(netlink.error());
    return report;
  }
  Undoer undoer(*netlink, journal);
  for (auto it = entries.rbegin(); it != entries.rend(); ++it) {
    if (!*it) continue;
    const auto undone = std::visit(undoer, **it);
    if (!undone) {
      report.failures.push_back(undone.error());
    } else {
      ++(*undone ? report.undone : report.absent);
    }
  }
  return report;
}

}  // namespace

JournalOwner JournalOwner::self() {
  const int pid = ::getpid();
  return {pid, platform::boot_id(), start_time_of(pid)};
}

bool JournalOwner::is_alive() const {
  return pid > 0 && boot_id == platform::boot_id() && start_time != 0 &&
         start_time_of(pid) == start_time;
}

Result<JournalLock, SysError> JournalLock::take(const std::string& profile,
                                                const std::string& directory) {
  if (!is_file_name(profile)) return fail(SysError{"open the undo journal", EINVAL, profile});
  JournalLock lock;
  const std::string path = directory + "/" + profile + ".lock";
  while (true) {
    if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
      return fail(last_error("create", directory));
    }
    lock.fd_ = Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock.fd_ && errno == ENOENT) continue;  // the last user just removed the directory
    if (!lock.fd_) return fail(last_error("open", path));
    if (::flock(lock.fd_.get(), LOCK_EX | LOCK_NB) != 0) return fail(last_error("lock", path));
    if (!names(path, lock.fd_.get())) continue;
    lock.path_ = path;
    lock.directory_ = directory;
    return lock;
  }
}

JournalLock::~JournalLock() {
  if (!fd_) return;
  ::unlink(path_.c_str());
  ::rmdir(directory_.c_str());
}

Result<UndoJournal, SysError> UndoJournal::open(const std::string& profile,
                                                const std::string& directory) {
  JournalLock lock = GODWIT_TRY(JournalLock::take(profile, directory));
  UndoJournal journal;
  journal.profile_ = profile;
  journal.directory_ = directory;
  journal.path_ = directory + "/" + profile + ".journal";
  journal.lock_ = std::move(lock);
  GODWIT_TRY(journal.create_file());
  return journal;
}

Result<void, SysError> UndoJournal::create_file() {
  // O_EXCL: what a dead owner left must be replayed, never overwritten.
  file_ = Fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
  if (!file_) return fail(last_error("create", path_));
  return append(owner_line(JournalOwner::self()));
}

Result<void, SysError> UndoJournal::append(const std::string& line) {
  const std::string whole = line + "\n";
  const ssize_t wrote = ::write(file_.get(), whole.data(), whole.size());
  if (wrote < 0) return fail(last_error("write", path_));
  // A line cut short is no entry for a replay; ours has not happened then.
  if (static_cast<std::size_t>(wrote) != whole.size()) {
    return fail(SysError{"write", ENOSPC, path_});
  }
  return {};
}

Result<void, SysError> UndoJournal::push(const Undo& undo) {
  if (!file_) GODWIT_TRY(create_file());
  GODWIT_TRY(append(to_line(undo)));
  entries_.emplace_back(undo);
  return {};
}

Result<void, SysError> UndoJournal::cancel_last() {
  for (auto it = entries_.rbegin(); it != entries_.rend(); ++it) {
    if (!*it) continue;
    it->reset();
    return append("cancel");
  }
  return {};
}

bool UndoJournal::is_written_elsewhere(const Undo& undo) const {
  return platform::is_written_elsewhere(undo, path_);
}

Result<ReplayReport, SysError> UndoJournal::replay_all() {
  ReplayReport report = replay(entries_, path_);
  if (!report.complete()) return report;
  entries_.clear();
  file_.reset();
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) return fail(last_error("remove", path_));
  return report;
}

Result<ReplayReport, SysError> UndoJournal::replay_down_to(std::size_t count) {
  if (count >= entries_.size()) return ReplayReport{};
  const auto first = entries_.begin() + static_cast<std::ptrdiff_t>(count);
  ReplayReport report = replay({first, entries_.end()}, path_);
  if (!report.complete()) return report;
  for (; entries_.size() > count; entries_.pop_back()) {
    if (entries_.back()) GODWIT_TRY(append("cancel"));
  }
  return report;
}

Result<ReplayReport, SysError> UndoJournal::replay_file(const std::string& profile,
                                                        const std::string& directory) {
  const JournalLock lock = GODWIT_TRY(JournalLock::take(profile, directory));
  const std::string path = directory + "/" + profile + ".journal";
  const auto text = read_whole(path);
  if (!text && text.error().error == ENOENT) return ReplayReport{};
  if (!text) return fail(text.error());
  const Written written = parse(*text);
  ReplayReport report = replay(written.entries, path);
  report.ignored = written.ignored;
  if (report.complete() && ::unlink(path.c_str()) != 0) return fail(last_error("remove", path));
  return report;
}

std::optional<JournalOwner> UndoJournal::owner_of(const std::string& profile,
                                                  const std::string& directory) {
  if (!is_file_name(profile)) return std::nullopt;
  const auto text = read_whole(directory + "/" + profile + ".journal");
  if (!text) return std::nullopt;
  return parse_owner(text->substr(0, text->find('\n')));
}

}  // namespace godwit::platform
