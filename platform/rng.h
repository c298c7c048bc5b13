// The kernel's generator, getrandom(2). Both kinds come from the same source: what is public must
// be unpredictable too.
#pragma once

#include "core/base/rng.h"

namespace godwit::platform {

class SystemRng final : public Rng {
 public:
  void fill_public(MutBytes out) override;
  void fill_secret(MutBytes out) override;
};

}  // namespace godwit::platform
