// Owns keys as files hold them: made once with the openssl command, each for nothing else.
// Called by PublicKeyTests and the tests of tokens.
// Never holds a private key that anybody uses: the one here is printed in RFC 8410.

enum KeyTexts {
    /// 2048 bits.
    static let rsa = """
        -----BEGIN PUBLIC KEY-----
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyMC0YA+DXBbjqGdBfRbY
        kLxaDRQhqtqzGxpje+iEE6P81gZfP0fcGK7PQKVFqcVBfD1XQylWuMOf5s6qgDr7
        rEi6xnhxDgVPZP3EyYWTt0XHePNAgL0bSlrMYklNVvF0sZWRWor4GQn3HTp0zMbJ
        N47d/wm1SHCUVjOofU0HMA08D95ajK8glFzwwwDLXOq1G2ZiGE/wXc1eM52n8SRT
        35XFfmqrDrz9acACKigxN7A7XH6gur69HpKMMBwXZfVFy+M3Vnl4sUAdnNlek+Nc
        re5tI1R0O6MbFZDUkcFyKUq9f1B4NWLi1IfoI8Vsn6z5K2lFU9ThSvPlcU/GNGC2
        jwIDAQAB
        -----END PUBLIC KEY-----
        """

    /// The same key as RSAPublicKey.
    static let rsaPublicKey = """
        -----BEGIN RSA PUBLIC KEY-----
        MIIBCgKCAQEAyMC0YA+DXBbjqGdBfRbYkLxaDRQhqtqzGxpje+iEE6P81gZfP0fc
        GK7PQKVFqcVBfD1XQylWuMOf5s6qgDr7rEi6xnhxDgVPZP3EyYWTt0XHePNAgL0b
        SlrMYklNVvF0sZWRWor4GQn3HTp0zMbJN47d/wm1SHCUVjOofU0HMA08D95ajK8g
        lFzwwwDLXOq1G2ZiGE/wXc1eM52n8SRT35XFfmqrDrz9acACKigxN7A7XH6gur69
        HpKMMBwXZfVFy+M3Vnl4sUAdnNlek+Ncre5tI1R0O6MbFZDUkcFyKUq9f1B4NWLi
        1IfoI8Vsn6z5K2lFU9ThSvPlcU/GNGC2jwIDAQAB
        -----END RSA PUBLIC KEY-----
        """

    /// 1024 bits.
    static let rsa1024 = """
        -----BEGIN PUBLIC KEY-----
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDY52D2rWlBS+aBcagJYullOt/a
        ZXD6NDvSp3d7MW52sogwXCnHde92I6ZkmDs9opscg8wHTFKpn/lVIqZMwWZHdSuc
        CSlPoR9x7vKhZ7MwmnwDswGZtutXDv2d104Rwqi/JCaz8E87tB+ZtbiaV25Mo82O
        H6iRndv5klPz2cqWkwIDAQAB
        -----END PUBLIC KEY-----
        """

    /// Bound to PSS.
    static let rsaPSS = """
        -----BEGIN PUBLIC KEY-----
        MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBAIH5Y5cbmRuVIqgAWAgf/7aV
        FG60/M2Z5b0kVB3ueRe+e65kOBYyEKGpQ79OhIO80qfutm1pKjrWSOlGat58HDSs
        JLlGaoPrumqKVMP6ALxjvX1bFPb6FYPmgDhH33jZSAXubhCyPj2cyziZEVOKqUoG
        xDkikzgRB0pYWAHnEZUuClKwJxbEKZ56QRSS4Whq1pe9MeEmNJjK2/+kzZeuSclU
        qp+kWz+lKii5Mu5tpAIUdNVU6EzZMkGQGs6eOss72NngjlvZzKhb2PU3TH1Dotuf
        K1URBX9/5MpnLOAGmTC8gJ+5a08TkIP5cONdfuw1sb+ZnVjctiIvLG9Vdv3LWE0C
        AwEAAQ==
        -----END PUBLIC KEY-----
        """

    /// P-256.
    static let p256 = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFibfoSso/iBcMf35S2cNKSzgCW7V
        MkPOfD3BSOc4p1iKoolvVKOjJJZJMwZF0IVVHMlpimt8hhTds6IIBYozaA==
        -----END PUBLIC KEY-----
        """

    /// The same key, its curve written out.
    static let p256Explicit = """
        -----BEGIN PUBLIC KEY-----
        MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAA
        AAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA////
        ///////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSd
        NgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5
        RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA
        //////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABBYm36ErKP4gXDH9+UtnDSks
        4Alu1TJDznw9wUjnOKdYiqKJb1SjoySWSTMGRdCFVRzJaYprfIYU3bOiCAWKM2g=
        -----END PUBLIC KEY-----
        """

    /// The same key, its point compressed.
    static let p256Compressed = """
        -----BEGIN PUBLIC KEY-----
        MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACFibfoSso/iBcMf35S2cNKSzgCW7V
        MkPOfD3BSOc4p1g=
        -----END PUBLIC KEY-----
        """

    /// The same key in a certificate that has long expired.
    static let p256Certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBczCCARqgAwIBAgIBATAKBggqhkjOPQQDAjAZMRcwFQYDVQQDDA5pc3N1ZXIu
        ZXhhbXBsZTAeFw0yNjExMjEwNTQwMjdaFw0yNjExMjIwNTQwMjdaMBkxFzAVBgNV
        BAMMDmlzc3Vlci5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFibf
        oSso/iBcMf35S2cNKSzgCW7VMkPOfD3BSOc4p1iKoolvVKOjJJZJMwZF0IVVHMlp
        imt8hhTds6IIBYozaKNTMFEwHQYDVR0OBBYEFP0vU1P/sjlkvjE1WFKnzFMSZof/
        MB8GA1UdIwQYMBaAFP0vU1P/sjlkvjE1WFKnzFMSZof/MA8GA1UdEwEB/wQFMAMB
        Af8wCgYIKoZIzj0EAwIDRwAwRAIgT3Qa/Nppt1bKb0ARasxjd907PhFUQEdXsW64
        ZFEmIYoCIAfFwTCpx+CM0u5MfYKAqBHZyDtbVoP7GSp8Zc+5iOv1
        -----END CERTIFICATE-----
        """

    /// A curve that no algorithm here uses.
    static let secp256k1 = """
        -----BEGIN PUBLIC KEY-----
        MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEe1NFzf6QwDWfwDzj+uTvKwIZoZohD2p2
        94RQv0/vdc9UgtTEubH3KrVFHAQz9KKIqbzh6pryfmp4lFMTfjYTfA==
        -----END PUBLIC KEY-----
        """

    /// DSA.
    static let dsa = """
        -----BEGIN PUBLIC KEY-----
        MIIBvzCCATQGByqGSM44BAEwggEnAoGBAOI+OkfOV+luyWdvHSTZ+RlYp8Pi5pDB
        jkkIfa6hiWohdAnH2lw3iC3EDph6l5/ah49fglYWKgh2IZODqS0UtJLl4gnRxT0X
        eUs9SRjsqY5JKuTRJXizyxK1LUQfpsvMWBf0NyUCJ+vgRJmwIjuEAk9Pd5i/XbQ8
        AySwGx9+s2xhAh0AtdaRIY+hQtVTUNHg3mStzg+diVcWkfKS66AcSwKBgQC0OQ9g
        XWzTC9qWl/DKmkgx/DRBeEB8y4rvORA1GWTtjS39rjH+iJPnwmqR/I0Tav37V6KJ
        giEXFWjYxklMZot+05+vDI0VTqrCJMFg6/jsicwvSPg027hqkbxC4opN45WYB7Sp
        G7Lwd67NAuubvH1mWjMN45CZ8KdDaX+o32Q/OwOBhAACgYAtZ6nx25HLjGF2Uax7
        apAfZ/CiJcD/F8UIU5ghyQ3slZeQPZfaledKk300ZDcBnHr82ESCy+mmre0ipb24
        mwVqxJGipShlBDisSDZhqvIQpaMbXnpoyAfrTcZtWiDRxMUh/ztJBjJ5FSIAi/28
        Sw2JkviwV4C4gR75JC2If2WKAg==
        -----END PUBLIC KEY-----
        """

    /// For agreeing on keys.
    static let x25519 = """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VuAyEAH4YkshxmhnZHNFbwiXiXKtjmU9klPlTlw5HHtcU2yTU=
        -----END PUBLIC KEY-----
        """

    /// Ed25519.
    static let ed25519 = """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEAdeG/Eqc+l6eDf5MjVIDL7ebKBR5fYuwXGgRNLjRaWPk=
        -----END PUBLIC KEY-----
        """

    /// Ed448.
    static let ed448 = """
        -----BEGIN PUBLIC KEY-----
        MEMwBQYDK2VxAzoAom7A7nDOp4sMeuXoMZ97E6aktLa2ChGaB4nK7B6567L01zwq
        KGDUpVExqISe/bskIGT0HDWWRzkA
        -----END PUBLIC KEY-----
        """

    /// RFC 8410 §10.3.
    static let privateKey = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
        -----END PRIVATE KEY-----
        """
}
