#include "core/session/xauth_rounds.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/limits.h"

namespace godwit::session {
namespace {

using ike::CfgAttr;
using Kind = FormField::Kind;

FormField field_of(CfgAttr attr, bool one_time) {
  switch (attr) {
    case CfgAttr::kXauthUserName:
      return {Kind::kUserName, false};
    case CfgAttr::kXauthUserPassword:
      return {one_time ? Kind::kPasscode : Kind::kPassword, true};
    case CfgAttr::kXauthPasscode:
      return {Kind::kPasscode, true};
    case CfgAttr::kXauthNextPin:
      return {Kind::kNextPin, true};
    case CfgAttr::kXauthDomain:
      return {Kind::kDomain, false};
    default:
      return {Kind::kAnswer, true};
  }
}

}  // namespace

// After a refusal the name is asked for again as well: it may be what was wrong.
const std::string* XauthRounds::known(CfgAttr field) const {
  if (refused()) return nullptr;
  if (field == CfgAttr::kXauthUserName && !known_.user.empty()) return &known_.user;
  if (field == CfgAttr::kXauthDomain && !known_.domain.empty()) return &known_.domain;
  return nullptr;
}

std::optional<AskUser> XauthRounds::next(const ike::v1::XauthRequest& request) {
  Question question{request.fields, request.message + "\n" + request.challenge};
  if (asked_.empty()) {
    round_ = AskUser::Round::kFirst;
  } else if (asked_.back() == question) {
    round_ = AskUser::Round::kAgain;
  } else {
    // Draft, A-1 to A-7: a new PIN and the next token code are asked for in the same fields.
    const bool same = asked_.back().fields == question.fields;
    round_ = same ? AskUser::Round::kReworded : AskUser::Round::kNext;
  }
  const auto before = std::count(asked_.begin(), asked_.end(), question);
  if (asked_.size() >= limits::kXauthRoundsMax ||
      static_cast<std::size_t>(before) > limits::kXauthRetriesMax) {
    return std::nullopt;
  }
  asked_.push_back(std::move(question));

  AskUser form;
  form.message = request.message;
  form.challenge = request.challenge;
  form.round = round_;
  // With PASSCODE beside it, USER_PASSWORD is what it always is.
  const bool one_time =
      request.one_time && std::find(request.fields.begin(), request.fields.end(),
                                    CfgAttr::kXauthPasscode) == request.fields.end();
  for (const CfgAttr attr : request.fields) {
    if (known(attr) == nullptr) form.fields.push_back(field_of(attr, one_time));
  }
  return form;
}

std::vector<SecretBytes> XauthRounds::complete(const ike::v1::XauthRequest& request,
                                               std::vector<SecretBytes>&& answers) {
  std::vector<SecretBytes> all;
  std::size_t next = 0;
  for (const CfgAttr attr : request.fields) {
    if (const std::string* text = known(attr)) {
      const auto* octets = reinterpret_cast<const std::uint8_t*>(text->data());
      all.push_back(SecretBytes::copy_of(Bytes(octets, text->size())));
    } else {
      CHECK(next < answers.size());
      all.push_back(std::move(answers[next++]));
    }
  }
  answered_ = true;
  return all;
}

}  // namespace godwit::session
