/// Something that is wrong with an archive.
package struct ArchiveFinding: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable {
    /// An object that a manifest names is not there, or a manifest of the chain is not.
    case missing
    /// An object that no manifest names.
    case added
    /// An object with other bytes than the manifest says.
    case altered
    /// An object with fewer bytes than the manifest says.
    case truncated
    /// Offsets of which nothing is said.
    case missingOffset = "missing-offset"
    /// A manifest that does not follow from the one before.
    case brokenChain = "broken-chain"
    /// A signature that is not that of the key given.
    case wrongSignature = "wrong-signature"
    /// No signature where there should be one.
    case missingSignature = "missing-signature"
    /// An action that does not have the checksum it came with.
    case wrongChecksum = "wrong-checksum"
    /// An action whose signature is not that of its source.
    case wrongSourceSignature = "wrong-source-signature"
    /// Bytes that are no manifest, or no lines.
    case garbled
  }

  package let kind: Kind
  package let key: String
  package let detail: String

  package init(_ kind: Kind, _ key: String, _ detail: String) {
    self.kind = kind
    self.key = key
    self.detail = detail
  }
}

/// What a verification has looked at.
package struct VerificationReport: Sendable {
  /// The end of a partition's chain. Who notes it elsewhere can tell later that nothing was cut off behind.
  package struct Head: Sendable, Equatable {
    package let topic: String
    package let partition: Int32
    package let sequence: Int64
    /// Of the last manifest.
    package let sha256: String
    package let nextOffset: Int64
    /// Everything of earlier periods is in the chain: the last period's end, or its beginning while it is open.
    package let completeThroughMilliseconds: Int64
  }

  package var findings = 0
  package var objects = 0
  package var manifests = 0
  package var actions: Int64 = 0
  package var rejected: Int64 = 0
  /// Actions held against a checksum or a signature of their own.
  package var provedActions: Int64 = 0
  /// Those of them whose signature was not looked at, because no key of their source was given.
  package var uncheckedSourceSignatures: Int64 = 0
  /// Stated to have been lost by the topic.
  package var lostOffsets: Int64 = 0
  package var bytes: Int64 = 0
  /// Objects that are in no manifest yet: their period is open.
  package var unsealedObjects = 0
  /// Manifests whose signature was not looked at, because no key was given or they were made without one.
  package var uncheckedSignatures = 0
  /// The last cut of a partition whose objects are not there yet: the archiver is at work, or was interrupted.
  package var unfinishedCuts: [String] = []
  package var heads: [Head] = []

  package var isClean: Bool { findings == 0 }
}

/// How far a verification has come.
package struct VerificationProgress: Sendable {
  package var bytes: Int64 = 0
  package var totalBytes: Int64 = 0
  package var findings = 0
}
