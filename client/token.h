// Keys on a smart card or another PKCS#11 token, reached through GnuTLS and p11-kit by an RFC 7512
// URI. The private key never leaves the token: it signs where it is, on the worker's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/report.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/crypto/signature.h"

namespace godwit::client {

// Asks for the PIN of the token of that name. `last_try`: the token locks itself should this one be
// wrong too.
using AskPin = std::function<Result<SecretBytes, Failure>(const std::string& token, bool last_try)>;

// The tokens of this machine. The PIN is asked for once and kept while a key of theirs lives; one
// that was refused is not tried again, because few wrong ones lock a token for good.
class Tokens {
 public:
  // `module`: the library that reaches them; empty: those that p11-kit knows. After the last fork.
  static Result<Tokens, Failure> open(const std::string& module, AskPin ask);
  Tokens(Tokens&&) noexcept;
  ~Tokens();

  Result<ByteVec, Failure> certificate(const std::string& uri);  // DER
  // The private key that belongs to `certificate` (DER). What it signs is verified with that before
  // it leaves.
  Result<std::shared_ptr<const crypto::SigningKey>, Failure> key(const std::string& uri,
                                                                 Bytes certificate);

 private:
  struct Pin;
  class Key;
  explicit Tokens(std::shared_ptr<Pin> pin);
  Failure explain(const std::string& what, const std::string& uri, int error) const;

  std::shared_ptr<Pin> pin_;
};

// The URI of the key that belongs to a certificate's: the same object, of the other type.
std::string key_uri_of(const std::string& certificate_uri);

}  // namespace godwit::client
