package import ActionProof
package import AuditActions
import Kafka

/// The Ed25519 key (RFC 8032) that a source signs its actions with. What describes it says nothing of the key.
public struct ActionSigningKey: Sendable, CustomStringConvertible {
  let signer: SourceSigner

  /// - Parameter pem: PKCS#8, not encrypted, as `openssl genpkey -algorithm ed25519` writes it.
  /// - Throws: `invalid_configuration`; never repeats the key.
  public init(pem: String) throws(EmitError) {
    guard let signer = SourceSigner(pem: pem) else {
      throw .configuration(
        "the signing key is no Ed25519 key in PEM (PKCS#8, not encrypted): make one with openssl genpkey -algorithm ed25519"
      )
    }
    self.signer = signer
  }

  public var description: String { signer.description }
}

extension ActionEmitterConfiguration {
  /// Nil when actions carry nothing.
  var seal: RecordSeal? { RecordSeal(checksum: checksum, signer: signingKey?.signer) }

  /// Why a feed that holds records so would refuse what is emitted with this configuration; nil when it takes it.
  package func fault(under proof: RecordProof) -> AuditActionError? {
    guard let queue = try? QueueAddress(project: "p", queue: "q"),
      var record = try? EmitRecord(Action(type: "Sample"), to: queue, id: "1", headers: EmitHeaders(source: source))
    else { return nil }
    if let seal { record = (try? record.sealed(by: seal)) ?? record }
    return record.fault(under: proof)
  }
}
