// Where something stands in a profile, what is wrong with it, and the list of all that is wrong.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace godwit::config {

// One mistake. From a flag: file is "--key" and line is 0.
struct Diagnostic {
  std::string file;
  int line = 0;
  int column = 0;
  std::string message;
  std::string hint;

  std::string to_string() const;  // file:line:column: message; hint
  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

// Line and column count from 1; a column is one character, not one octet.
struct Where {
  int line = 1;
  int column = 1;
  std::string flag;  // "--key" when the command line said it
};

// What is wrong with a value, before anyone knows where it stands.
struct Fault {
  std::string message;
  std::string hint;
  friend bool operator==(const Fault&, const Fault&) = default;
};

class Report {
 public:
  explicit Report(std::string_view file) : file_(file) {}

  void add(const Where& where, std::string message, std::string hint);
  void add(const Where& where, Fault fault);
  bool empty() const { return found_.empty(); }
  bool is_full() const { return found_.size() >= kMistakesMax; }
  std::size_t size() const { return found_.size(); }

  // The mistakes in the order of the file, those of flags last.
  std::vector<Diagnostic> take();

 private:
  // Random octets make a mistake of every line; nobody reads more than this.
  static constexpr std::size_t kMistakesMax = 100;

  std::string file_;
  std::vector<Diagnostic> found_;
};

// `text` in double quotes for a message: control characters escaped, long text cut, so that a
// profile cannot write to the terminal of whoever checks it.
std::string quote(std::string_view text);

// The same without the quotes.
std::string printable(std::string_view text, std::size_t shown_max = 60);

// `text` as a TOML basic string.
std::string toml_string(std::string_view text);

}  // namespace godwit::config
