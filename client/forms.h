// Questions of the gateway to the user (XAuth), answered from where the profile says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/report.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/config/profile.h"
#include "core/session/actions.h"

namespace godwit::client {

// Blocks until every field is answered; runs beside the loop. `cached` is the password of an
// earlier answer, or null. A failure means that nobody here can answer.
Result<std::vector<SecretBytes>, Failure> fill_form(const session::AskUser& form,
                                                    const config::Profile& profile,
                                                    const SecretBytes* cached, int cancel_fd);

}  // namespace godwit::client
