import ActionStore
import AuditActions

/// The one place where errors of other targets become answers. Their details say what to do and hold no payload.
extension Problem {
  init(_ error: AuditActionError) {
    switch error.code {
    case .tooLarge:
      self = .contentTooLarge("the body of an action", bytesMax: ActionLimits.bodyBytesMax)
    case .invalidProject:
      self = .invalidParameter(
        error.detail, parameter: "project", allowed: .range(minimum: 1, maximum: ActionLimits.projectCharactersMax))
    case .invalidQueue:
      self = .invalidParameter(
        error.detail, parameter: "queue", allowed: .range(minimum: 1, maximum: ActionLimits.queueCharactersMax))
    default:
      self = .invalidParameter(error.detail, parameter: error.parameter)
    }
  }

  /// - Parameter parameter: the one that was opened or looked up.
  init(_ error: StoreError, parameter: String) {
    switch error.code {
    case .invalidMarker, .invalidID: self = .invalidParameter(error.detail, parameter: parameter)
    default: self = .unavailable("the store cannot answer now")
    }
  }
}
