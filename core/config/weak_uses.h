// The weak choices that a profile makes, and whether allow-weak names each of them.
#pragma once

#include <string>
#include <vector>

#include "core/config/proposal.h"
#include "core/config/report.h"
#include "core/config/settings.h"

namespace godwit::config {

class WeakUses {
 public:
  void note(crypto::DhGroup group, const Where& where);
  void note(const crypto::IkeSuite& suite, const Where& where);
  void note(const crypto::EspSuite& suite, const Where& where);
  void note_aggressive_psk(const Where& where);

  // False: a proposal could not be read, and it may be the one that uses a word.
  bool groups_are_clear = true;
  bool esp_is_clear = true;

  // Reads allow-weak. A weak choice needs its word, and a word needs its choice: a profile that was
  // mended must not go on allowing what it no longer uses. Returns the words in use.
  std::vector<std::string> check(Settings& in, Report& report) const;

 private:
  struct Use {
    const WeakChoice* choice;
    Where where;
  };

  bool can_judge(const WeakChoice& weak, const Settings& in) const;

  std::vector<Use> uses_;
};

}  // namespace godwit::config
