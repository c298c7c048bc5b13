// The questions of one XAuth transaction: which of them repeats another, what is known without
// asking anybody, and when it is enough (XA-09, XA-13).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/ike/v1/xauth.h"
#include "core/session/actions.h"

namespace godwit::session {

class XauthRounds {
 public:
  // What the profile knows; empty: asked for.
  struct Known {
    std::string user;
    std::string domain;
  };

  XauthRounds() = default;
  explicit XauthRounds(Known known) : known_(std::move(known)) {}

  // The form of another request, without an ID and perhaps without a field. Nothing: the gateway
  // has asked more often than is good for a user or his account.
  std::optional<AskUser> next(const ike::v1::XauthRequest& request);

  // The answers of the form (as many as it had fields) and what was known, in the order of the
  // request that next() was given last. They are on their way to the gateway.
  std::vector<SecretBytes> complete(const ike::v1::XauthRequest& request,
                                    std::vector<SecretBytes>&& answers);

  bool answered() const { return answered_; }  // credentials have left
  bool refused() const { return round_ == AskUser::Round::kAgain; }

 private:
  struct Question {
    std::vector<ike::CfgAttr> fields;
    std::string text;  // message and challenge
    friend bool operator==(const Question&, const Question&) = default;
  };

  const std::string* known(ike::CfgAttr field) const;

  Known known_;
  std::vector<Question> asked_;  // in their order
  AskUser::Round round_ = AskUser::Round::kFirst;
  bool answered_ = false;
};

}  // namespace godwit::session
