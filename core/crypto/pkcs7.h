// Certificates in a PKCS #7 wrapping (RFC 2315 9.1), as some gateways send them in one CERT payload
// (RFC 4945 3.3.4). Its signatures and lists are not looked at: what counts is the path of each.
#pragma once

#include <vector>

#include "core/base/bytes.h"

namespace godwit::crypto {

// Parts of `der`, in its order, at most eight. Empty: it is no SignedData, or carries none.
std::vector<Bytes> certificates_of_pkcs7(Bytes der);

}  // namespace godwit::crypto
