import ActionEmitter
import ActionProof

extension Settings {
  /// What is emitted with each action to prove it by.
  /// - Throws: `ConfigurationError`; never repeats the key.
  func seal() throws(ConfigurationError) -> (checksum: Bool, signingKey: ActionSigningKey?) {
    let checksum = self[SettingsTable.checksum] ?? false
    guard let pem = self[SettingsTable.actionSigningKey] else { return (checksum, nil) }
    do throws(EmitError) { return (checksum, try ActionSigningKey(pem: pem)) } catch {
      throw ConfigurationError(problems: [
        .init(origin: origin(of: SettingsTable.actionSigningKey.definition), message: error.message)
      ])
    }
  }

  /// What records are held against, with the keys read from their file.
  func proof(
    readFile: (String) throws(SettingFault) -> String = readSettingsFile
  ) throws(ConfigurationError) -> RecordProof {
    let required = self[SettingsTable.requireSignatures].flatMap { RequiredSignatures(rawValue: $0.rawValue) } ?? .none
    guard let path = self[SettingsTable.sourceKeys] else {
      if required != .none {
        throw ConfigurationError(problems: [
          .init(
            origin: origin(of: SettingsTable.requireSignatures.definition),
            message: "signatures can be required only where keys are known: name their file with --source-keys")
        ])
      }
      return RecordProof()
    }
    func problem(_ message: String) -> ConfigurationError {
      ConfigurationError(problems: [.init(origin: origin(of: SettingsTable.sourceKeys.definition), message: message)])
    }
    let text: String
    do throws(SettingFault) { text = try readFile(path) } catch { throw problem(error.description) }
    do throws(SourceKeysFault) { return RecordProof(keys: try SourceKeys(text: text), required: required) } catch {
      throw problem("\(path), \(error)")
    }
  }
}
